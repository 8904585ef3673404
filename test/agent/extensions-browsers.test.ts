/** Extensions of browsers, from records in the browsers' own form on three platforms: per profile, with the hosts they may read; and pages that are apps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseProfiles } from '../../agent/observe/extensions/firefox.ts';
import { hostPermissions } from '../../agent/observe/extensions/look.ts';
import { hostOf } from '../../agent/observe/extensions/web-apps.ts';
import { fixture, lines, observe, planted, sites } from './extensions-tree.ts';
import { plant, type Tree } from './installed-tree.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-extensions-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const secure = fixture('chrome-secure-preferences.json');
const grammarly = 'kbfnbcaeplbcioakkpcpgfkobkghlhen';
const copyleaks = 'camppjleccjaphfdbohjdohecfnoikec';

describe('Chrome and the browsers made from Chromium', () => {
  const manifest =
    '{"manifest_version":3,"name":"x","version":"5.6.1","host_permissions":["https://*.example.com/*"],"content_scripts":[{"matches":["https://mail.google.com/mail/*"]}]}';

  it.each([
    ['darwin', 'Users/ada/Library/Application Support/Google/Chrome', 'Secure Preferences'],
    ['win32', 'C:/Users/ada/AppData/Local/Google/Chrome/User Data', 'Secure Preferences'],
    ['linux', 'home/ada/.config/google-chrome', 'Preferences'],
  ] as const)('says on %s what each profile has, whether it is on, and what it may read', async (platform, data, record) => {
    plant(root, {
      [`${data}/Local State`]: fixture('chrome-local-state.json'),
      [`${data}/Default/${record}`]: secure,
      // The other of the two records is there as well, with settings that are not protected.
      [`${data}/Default/${record === 'Preferences' ? 'Secure Preferences' : 'Preferences'}`]:
        '{"extensions":{"alerts":{"initialized":true}},"profile":{"name":"x"}}',
      [`${data}/Default/Extensions/${grammarly}/14.1262.0_0/manifest.json`]: null,
      [`${data}/Default/Extensions/${copyleaks}/5.6.1_0/manifest.json`]: manifest,
      [`${data}/Profile 1/${record}`]: JSON.stringify({
        extensions: {
          settings: {
            [grammarly]: {
              path: `${grammarly}/14.1260.0_0`,
              location: 1,
              disable_reasons: [1],
              manifest: { version: '14.1260.0' },
              active_permissions: { explicit_host: ['https://profile1.example/*'] },
            },
          },
        },
      }),
      [`${data}/System Profile/Cache`]: null,
    });
    const seen = await observe(root, platform);
    expect(seen).toMatchObject({ troubles: [], incomplete: [] });
    expect(lines(seen)).toEqual([
      `Chrome · ${copyleaks} 5.6.1 · off · Personal off`,
      'Chrome · difoiogjjojoaoomphldepapgpbgkhkb 0.1 · on · Personal on',
      'Chrome · fcoeoabgfenejglbffodgkkbkcdhcgfn 1.0.31 · on · Personal on',
      // The second profile is named after an account's address, so its folder's name stands for it.
      `Chrome · ${grammarly} 14.1262.0 · on · Personal on · Profile 1 off`,
      'Chrome · ofpnmcalabcbjgholdjcjblkibolbppb 8.1.2 · off · Personal off',
    ]);
    const permissions = Object.fromEntries(
      seen.observations.flatMap((one) => (one.kind === 'extension' ? [[one.id.slice(0, 4), one.permissions]] : [])),
    );
    expect(permissions).toEqual({
      kbfn: ['<all_urls>', 'https://*.grammarly.com/*', 'https://*/*', 'https://profile1.example/*'],
      ofpn: ['*://*/*', 'https://*/*'],
      // Only where the person allowed it.
      fcoe: ['https://wiki.corp.example/*'],
      // By its manifest, because the record doesn't say.
      camp: ['https://*.example.com/*', 'https://mail.google.com/*'],
      difo: ['https://internal.example/*'],
    });
    for (const word of planted) expect(JSON.stringify(seen)).not.toContain(word);
  });

  it('takes the folders where no record can be read, and says what could not', async () => {
    const data = 'home/ada/.config/BraveSoftware/Brave-Browser';
    plant(root, {
      [`${data}/Default/Preferences`]: '{"extensions":{"settings":{ broken',
      [`${data}/Default/Extensions/${copyleaks}/5.6.1_0/manifest.json`]: manifest,
      [`${data}/Default/Extensions/${copyleaks}/5.10.0_0/manifest.json`]: manifest.replace('5.6.1', '5.10.0'),
      [`${data}/Default/Extensions/${grammarly}`]: null,
      [`${data}/Default/Extensions/Temp`]: null,
    });
    const seen = await observe(root, 'linux');
    expect(lines(seen)).toEqual([`Brave · ${copyleaks} 5.10.0 · ? · Default ?`]);
    expect(seen.troubles).toEqual([
      {
        code: 'extensions-unreadable',
        path: path.join(root, data, 'Default/Preferences'),
        detail: 'it isn’t a browser’s settings in JSON',
      },
    ]);
    expect(seen.incomplete).toEqual([path.join(root, 'home/ada')]);
  });

  it.each([
    ['darwin', 'Users/ada/Library/Application Support/Arc/User Data/Default', 'Arc'],
    ['darwin', 'Users/ada/Library/Application Support/Comet/Profile 2', 'Comet'],
    ['darwin', 'Users/ada/Library/Application Support/Dia/User Data/Default', 'Dia'],
    [
      'darwin',
      'Users/ada/Library/Application Support/com.openai.atlas/browser-data/host/user-77SsRLa9MGLc1F5CatAPRhoj__9c297f00-7f1a-449f-a2c0-bc99d088e447',
      'ChatGPT Atlas',
    ],
    ['darwin', 'Users/ada/Library/Application Support/com.operasoftware.Opera', 'Opera'],
    ['win32', 'C:/Users/ada/AppData/Local/Microsoft/Edge/User Data/Default', 'Edge'],
    ['win32', 'C:/Users/ada/AppData/Local/Packages/TheBrowserCompany.Arc_ttt1ap7aakyb4/LocalCache/Local/Arc/User Data/Default', 'Arc'],
    ['win32', 'C:/Users/ada/AppData/Roaming/Opera Software/Opera Stable/Default', 'Opera'],
    ['linux', 'home/ada/.config/vivaldi/Default', 'Vivaldi'],
    ['linux', 'home/ada/snap/chromium/common/chromium/Default', 'Chromium'],
    ['linux', 'home/ada/.var/app/com.google.Chrome/config/google-chrome/Default', 'Chrome'],
  ] as const)('finds on %s %s', async (platform, profile, program) => {
    plant(root, { [`${profile}/Secure Preferences`]: secure });
    const seen = await observe(root, platform);
    expect(lines(seen).map((line) => line.split(' · ').slice(0, 2).join(' · '))).toContain(`${program} · ${grammarly} 14.1262.0`);
    // Atlas names the folder of a profile after the account.
    expect(JSON.stringify(seen)).not.toContain('77SsRLa9MGLc1F5CatAPRhoj');
  });
});

describe('Firefox and the browsers made from it', () => {
  it.each([
    ['linux', 'home/ada/.mozilla/firefox', '', 'Firefox'],
    ['linux', 'home/ada/.config/mozilla/firefox', '', 'Firefox'],
    ['linux', 'home/ada/snap/firefox/common/.mozilla/firefox', '', 'Firefox'],
    ['darwin', 'Users/ada/Library/Application Support/Firefox', 'Profiles/', 'Firefox'],
    ['win32', 'C:/Users/ada/AppData/Roaming/Mozilla/Firefox', 'Profiles/', 'Firefox'],
    ['linux', 'home/ada/.zen', '', 'Zen'],
  ] as const)('says on %s what the profiles in %s have', async (platform, data, below, program) => {
    plant(root, {
      [`${data}/profiles.ini`]: fixture('firefox-profiles.ini')
        .replace(/^Path=(?=\w)/gm, `Path=${below}`)
        .replaceAll('\n', platform === 'win32' ? '\r\n' : '\n'),
      [`${data}/${below}ab12cd34.default-release/extensions.json`]: fixture('firefox-extensions.json'),
      [`${data}/${below}ab12cd34.default-release/extension-preferences.json`]:
        '{"{6f1fbb7c-1c2f-4c5c-9a35-0d7b7b3b6f11}":{"permissions":[],"origins":["https://allowed.example/*"]}}',
      [`${data}/${below}ef56ab78.default/times.json`]: '{}',
      'etc/extensions.json': fixture('firefox-extensions.json'),
    });
    const seen = await observe(root, platform);
    expect(seen).toMatchObject({ troubles: [], incomplete: [] });
    expect(lines(seen)).toEqual([
      `${program} · 87677a2c52b84ad3a151a4a72f5bd3c4@jetpack 8.931.0 · on · default-release on`,
      `${program} · {6f1fbb7c-1c2f-4c5c-9a35-0d7b7b3b6f11} 2.4.0 · off · default-release off`,
    ]);
    expect(seen.observations.map((one) => one.kind === 'extension' && one.permissions)).toEqual([
      ['<all_urls>', 'http://*/*', 'https://*.grammarly.com/*'],
      ['https://allowed.example/*'],
    ]);
    for (const word of planted) expect(JSON.stringify(seen)).not.toContain(word);
  });

  it('reads a list of profiles whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('[Profile0]\n', 'Path=', 'Name=', 'x', '\r\n', '\n', '[', '=', '/', '..') }),
        (text) => {
          for (const { path: named } of parseProfiles(text)) expect(named).not.toMatch(/[\r\n]/);
        },
      ),
      { numRuns: 300 },
    );
    expect(parseProfiles('[Profile0]\nName=work\nIsRelative=0\nPath=/mnt/x\n')).toEqual([
      { name: 'work', path: '/mnt/x', relative: false },
    ]);
  });
});

describe('pages that are apps', () => {
  it('are found on macOS by their launchers, whosever browser made them', async () => {
    const apps = 'Users/ada/Applications';
    plant(root, {
      [`${apps}/Chrome Apps.localized/Claude.app/Contents/Info.plist`]: fixture('chrome-app.plist'),
      [`${apps}/Brave Browser Apps.localized/Claude.app/Contents/Info.plist`]: fixture('chrome-app.plist'),
      [`${apps}/Perplexity.app/Contents/Info.plist`]: fixture('safari-app.plist'),
      [`${apps}/Other.app/Contents/Info.plist`]: '<plist><dict><key>CFBundleIdentifier</key><string>com.example</string></dict></plist>',
      [`${apps}/Chrome Apps.localized/Icon\r`]: '',
    });
    const seen = await observe(root, 'darwin');
    expect(sites(seen)).toEqual(['Brave Browser · claude.ai', 'Chrome · claude.ai', 'Safari · perplexity.ai']);
    expect(seen.troubles).toEqual([]);
    expect(JSON.stringify(seen)).not.toContain('planted');
  });

  it('are found on Linux and Windows where a file says the host', async () => {
    const launchers: Tree = {
      'home/ada/.local/share/applications/chat.desktop':
        '[Desktop Entry]\nType=Application\nExec=/opt/google/chrome/google-chrome "--app=https://chatgpt.com/?model=planted" --class=x\n',
      'home/ada/.local/share/applications/chrome-abc-Default.desktop':
        '[Desktop Entry]\nExec=/opt/google/chrome/google-chrome --profile-directory=Default --app-id=fmpnliohjhemenmnlpbfagaolkdacoja\n',
      'home/ada/.local/share/applications/local.desktop': '[Desktop Entry]\nExec=chromium --app=http://127.0.0.1:8080/\n',
    };
    plant(root, launchers);
    expect(sites(await observe(root, 'linux'))).toEqual(['Chrome · chatgpt.com']);
    const profile = 'C:/Users/ada/AppData/Local/Microsoft/Edge/User Data/Default';
    plant(root, {
      [`${profile}/Preferences`]: '{}',
      [`${profile}/Web Applications/gemini.google.com/https_443/Gemini.ico`]: '',
      [`${profile}/Web Applications/_crx_fmpnliohjhemenmnlpbfagaolkdacoja/Claude.ico`]: '',
      [`${profile}/Web Applications/Manifest Resources/fmpnliohjhemenmnlpbfagaolkdacoja`]: null,
    });
    expect(sites(await observe(root, 'win32'))).toEqual(['Edge · gemini.google.com']);
  });
});

describe('what is said of hosts', () => {
  it('is a scheme and a host and nothing else', () => {
    expect(
      hostPermissions([
        '<all_urls>',
        'https://u:p@X.example/secret?token=1',
        '*://*/*',
        'http://*.a.example:8080/*',
        'chrome://favicon/',
        'tabs',
        7,
        'https://ghp_0123456789abcdefghij0123456789abcdef.example/*',
      ]),
    ).toEqual(['*://*/*', '<all_urls>', 'http://*.a.example:8080/*', 'https://x.example/*']);
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string()), { maxLength: 4 }),
        (given) => {
          for (const host of hostPermissions(given)) expect(host).toMatch(/^(<all_urls>|[a-z*]+:\/\/[^/?#@]*\/\*)$/);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('names no computer of one’s own and no address without a name', () => {
    expect(
      ['https://www.claude.ai/x', 'http://localhost:3000', 'http://192.168.1.4/', 'https://[::1]/', 'file:///x', 'x', null].map(hostOf),
    ).toEqual(['claude.ai', null, null, null, null, null, null]);
  });
});
