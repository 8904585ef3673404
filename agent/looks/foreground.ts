/** Looking at the window in front: which tool it is, to count the time in use, and, where policy allows, whose page a browser shows. */
import type { AgentParts } from '../agent.ts';
import type { Homes } from '../homes.ts';
import { createForegroundObserver, type ForegroundObserver } from '../observe/foreground.ts';
import type { WindowObservation } from '../observe/observation.ts';
import { toSighting } from '../sightings.ts';
import type { Sighting } from '../store/store.ts';
import type { Usage } from '../usage.ts';
import type { Sources } from './sources.ts';

export type ForegroundLooks = {
  /** Counts the time, and answers with what a browser's title says, if that may be asked. Rejects where the platform fails to answer. */
  look(): Promise<Sighting[]>;
};

/** Programs that show pages, by the name of their file or bundle; what calls itself by a site's name in another program's title bar is no page. */
const BROWSER =
  /^(?:mozilla firefox|google[ -]?chrome|chrome|chromium|firefox|safari|msedge|microsoft[ -]?edge|brave|opera|vivaldi|arc|librewolf|zen|waterfox|epiphany|falkon|konqueror)\b/i;

/** Edge names the profile too, and these are the names that it gives. */
const PROFILE = /^(?:personal|work|profile \d+|person \d+|guest|inprivate|privat|arbeit|geschäftlich)$/i;

/** The page's own title: `ChatGPT` of `ChatGPT - Google Chrome`, `ChatGPT - Personal - Microsoft Edge` and `ChatGPT - Google Chrome – Ada`. */
function pageTitle(title: string): string {
  const parts = title
    .slice(-300)
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060\ufeff]/g, '')
    .split(/ [-–—|] /);
  const at = parts.findLastIndex((part, index) => index > 0 && BROWSER.test(part));
  if (at < parts.length - 2 || at < 1) return title;
  const page = parts.slice(0, at);
  return (page.length > 1 && PROFILE.test(page.at(-1) ?? '') ? page.slice(0, -1) : page).join(' - ');
}

const WITHOUT_TITLES = 'Which program is in front, to count the time a tool is used. Window titles are not read.';
const WITH_TITLES =
  'Which program is in front, to count the time a tool is used. Your organization’s policy has a browser’s window titles compared with the names of AI sites; none is kept.';

/** `mayMatchTitles` asks the policy in force, each time. */
export function createForegroundLooks(
  parts: Pick<AgentParts, 'os' | 'clock' | 'catalog'> & {
    readonly homes: Homes;
    readonly sources: Sources;
    readonly usage: Usage;
    readonly mayMatchTitles: () => boolean;
  },
): ForegroundLooks {
  const { os, clock, catalog, homes, sources, usage, mayMatchTitles } = parts;
  let observer: { readonly titles: boolean; readonly made: Promise<ForegroundObserver> } | undefined;

  function observe(titles: boolean): Promise<ForegroundObserver> {
    if (observer?.titles === titles) return observer.made;
    const made = createForegroundObserver(os, { titles });
    made.catch(() => {
      observer = undefined;
    });
    observer = { titles, made };
    return made;
  }

  /** The tool whose page a browser shows, by the title alone: the browser itself may be a tool too. */
  function pageOf(window: WindowObservation): Sighting | null {
    const browser = browserOf(window);
    if (browser === null || window.title === null) return null;
    const match = catalog.identify(
      { ...window, title: pageTitle(window.title), exe: null, bundleId: null, appName: null },
      { titles: true },
    );
    return match && toSighting({ ...window, title: null, appName: browser }, { ...match, strength: 'weak' }, homes);
  }

  function browserOf(window: WindowObservation): string | null {
    const known = catalog.identify({ ...window, title: null })?.entry;
    if (known?.category === 'browser') return known.name;
    const file =
      window.exe
        ?.split(/[\\/]/)
        .at(-1)
        ?.replace(/\.exe$/i, '') ?? null;
    const named = [window.appName, file].find((name) => name !== null && BROWSER.test(name));
    return named === undefined || named === null ? null : named.slice(0, 40);
  }

  return {
    async look() {
      const titles = mayMatchTitles();
      const foreground = await observe(titles);
      const available = foreground.available();
      if (!available.ok) {
        const before = sources.of('foreground');
        if (before.state !== 'unavailable' || before.detail !== available.why) sources.note('foreground', 'unavailable', available.why);
        usage.pass(null, clock.now());
        return [];
      }
      const window = await foreground.look();
      const page = titles && window ? pageOf(window) : null;
      const match = window && catalog.identify({ ...window, title: null });
      const ours = usage.running().find(({ process }) => process.pid === window?.pid)?.tool;
      usage.pass(page?.tool ?? ours ?? (match && match.strength !== 'weak' ? match.entry.id : null), clock.now());
      const text = titles ? WITH_TITLES : WITHOUT_TITLES;
      const before = sources.of('foreground');
      if (before.state !== 'ok' || before.detail !== text) sources.note('foreground', 'ok', text);
      return page ? [page] : [];
    },
  };
}
