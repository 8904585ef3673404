/** Puts the tray's model on the screen: the icon, the tooltip and the native menu, each changed only when it differs. */
import path from 'node:path';
import { Menu, nativeImage, nativeTheme, Tray } from 'electron';
import type { AgentLink, Platform, Snapshot } from '../contract.ts';
import { type TrayAction, type TrayLine, trayIcon, trayModel } from './tray.ts';

export type TrayIcon = { update(snapshot: Snapshot | null, link: AgentLink): void; readonly shown: boolean };

/**
 * Whether the panel behind the icon is dark. Windows says it where Electron is new enough to ask. Linux says nothing: KDE's panel follows the
 * theme, and those of GNOME, Xfce and the others are dark in both of their themes, as they come.
 */
function panelIsDark(platform: Platform): boolean {
  const theme: { shouldUseDarkColors: boolean; shouldUseDarkColorsForSystemIntegratedUI?: boolean } = nativeTheme;
  if (platform === 'linux' && !/KDE/i.test(process.env['XDG_CURRENT_DESKTOP'] ?? '')) return true;
  return platform === 'win32' ? (theme.shouldUseDarkColorsForSystemIntegratedUI ?? theme.shouldUseDarkColors) : theme.shouldUseDarkColors;
}

/** `null` where the desktop refuses a tray altogether; on Linux a desktop without one just doesn't show it, and says nothing. */
export function showTray(options: { readonly platform: Platform; readonly dist: string; act(action: TrayAction): void }): TrayIcon {
  const { platform, dist, act } = options;
  let tray: Tray | null = null;
  let last = { icon: '', tooltip: '', menu: '' };
  let known: [Snapshot | null, AgentLink] | null = null;

  const picture = (name: string) => {
    const image = nativeImage.createFromPath(path.join(dist, 'icons/tray', name));
    if (platform === 'darwin') image.setTemplateImage(true);
    return image;
  };
  const item = (line: TrayLine) => {
    if (line === null) return { type: 'separator' as const };
    const { label, action } = line;
    return action ? { label, click: () => act(action) } : { label, enabled: false };
  };

  function update(snapshot: Snapshot | null, link: AgentLink): void {
    known = [snapshot, link];
    const model = trayModel(snapshot, link, platform);
    const icon = trayIcon(model.state, platform, panelIsDark(platform));
    const menu = JSON.stringify(model.menu);
    if (!tray) {
      try {
        tray = new Tray(picture(icon));
      } catch {
        return;
      }
      tray.on('click', () => {
        // macOS opens the menu by itself.
        if (platform !== 'darwin') act({ do: 'open', view: 'home', tool: null });
      });
    } else if (icon !== last.icon) {
      tray.setImage(picture(icon));
    }
    if (model.tooltip !== last.tooltip) tray.setToolTip(model.tooltip);
    // A new menu closes an open one, and Linux needs a new one for every change.
    if (menu !== last.menu) tray.setContextMenu(Menu.buildFromTemplate(model.menu.map(item)));
    last = { icon, tooltip: model.tooltip, menu };
  }

  nativeTheme.on('updated', () => {
    if (known) update(...known);
  });
  return {
    update,
    get shown() {
      return tray !== null;
    },
  };
}
