/**
 * Closes every way out of the window and of Chromium itself: no network, no navigation, no second window, no permission, no device, no
 * download. What the window may do instead stands in the preload, method by method.
 */
import type { App, CommandLine, Session, WebContents } from 'electron';
import { PAGE, SCHEME } from './renderer-files.ts';

/** Whether the window's session refuses to load this address. Developer tools load their own pages, in development only. */
export function refusesRequest(address: string, packaged: boolean): boolean {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1]?.toLowerCase();
  return !(scheme === SCHEME || (scheme === 'devtools' && !packaged));
}

/** Whether the window may go to this address: its own page, and nothing else; a change of the hash is no navigation. */
export function refusesNavigation(address: string): boolean {
  try {
    const url = new URL(address);
    url.hash = '';
    return url.href !== PAGE;
  } catch {
    return true;
  }
}

/** Where Chromium's own services live: the spelling checker, which starts with each session before it can be told not to, asks for a dictionary there. */
const ITS_MAKERS = ['*.gvt1.com', '*.google.com', '*.googleapis.com', '*.gstatic.com', 'dns.google'];

/**
 * Chromium's own outgoing connections, switched off before it starts. Its resolver and its proxies stay for other names than its makers', because the
 * agent's check-ins go through them (`net.ts`); every session but that one refuses each request of a page before it is resolved. One thing is
 * left: at its start the network service asks the kernel for a route to a public name server (a UDP `connect`, which sends nothing) to learn whether
 * there is IPv6.
 */
export function quietChromium(commandLine: CommandLine): void {
  commandLine.appendSwitch('host-resolver-rules', ITS_MAKERS.map((name) => `MAP ${name} ~NOTFOUND`).join(', '));
  // Of sessions that are not told otherwise; `net.ts` tells its own.
  commandLine.appendSwitch('no-proxy-server');
  commandLine.appendSwitch('disable-background-networking');
  commandLine.appendSwitch('disable-component-update');
  commandLine.appendSwitch('disable-domain-reliability');
  commandLine.appendSwitch('dns-prefetch-disable');
  commandLine.appendSwitch('no-pings');
  commandLine.appendSwitch('force-webrtc-ip-handling-policy', 'disable_non_proxied_udp');
  // Casting looks for screens in the local network; a spare renderer costs memory for a second window that never comes.
  commandLine.appendSwitch('disable-features', 'MediaRouter,DialMediaRouteProvider,OptimizationHints,SpareRendererForSitePerProcess');
}

/** Locks a session. `refused` is told of each request that was refused, by its scheme only. */
export function lockSession(session: Session, packaged: boolean, refused: (scheme: string) => void): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.setCertificateVerifyProc((_request, answer) => answer(-2));
  // The spelling checker fetches its dictionaries.
  session.setSpellCheckerEnabled(false);
  session.on('will-download', (event) => event.preventDefault());
  session.webRequest.onBeforeRequest((details, answer) => {
    const cancel = refusesRequest(details.url, packaged);
    if (cancel) refused(details.url.split(':', 1)[0] ?? '');
    answer({ cancel });
  });
}

/** Locks every page that this application will ever make, whoever makes it. */
export function lockContents(app: App): void {
  app.on('web-contents-created', (_created, contents: WebContents) => {
    contents.on('will-navigate', (event, url) => {
      if (refusesNavigation(url)) event.preventDefault();
    });
    contents.on('will-redirect', (event) => event.preventDefault());
    contents.on('will-frame-navigate', (event) => {
      if (!event.isMainFrame || refusesNavigation(event.url)) event.preventDefault();
    });
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
    contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp');
  });
  app.on('certificate-error', (event, _contents, _url, _error, _certificate, answer) => {
    event.preventDefault();
    answer(false);
  });
  app.on('select-client-certificate', (event, _contents, _url, _list, answer) => {
    event.preventDefault();
    // Without a certificate: the types ask for one, and the documentation says that none is allowed.
    (answer as () => void)();
  });
}
