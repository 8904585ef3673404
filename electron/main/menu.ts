/** The application's own menu, for its keys: copy and paste, larger and smaller text, close and quit. It stays hidden except on macOS. */
import { Menu, type MenuItemConstructorOptions } from 'electron';

/** `quit` replaces the role: a window's Quit ends the application and its agent, as the tray's does. */
export function setKeys(packaged: boolean, quit: () => void): void {
  const mac = process.platform === 'darwin';
  const quitItem: MenuItemConstructorOptions = { label: 'Quit Muster', accelerator: 'CmdOrCtrl+Q', click: quit };
  const template: MenuItemConstructorOptions[] = [
    mac
      ? {
          label: 'Muster',
          submenu: [{ role: 'about' }, { type: 'separator' }, { role: 'hide' }, { role: 'hideOthers' }, { type: 'separator' }, quitItem],
        }
      : { label: 'File', submenu: [{ role: 'close', accelerator: 'Ctrl+W' }, quitItem] },
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        // The key that is named “plus” is typed with Shift on most keyboards; people press the one without.
        { role: 'zoomIn', accelerator: 'CmdOrCtrl+=', visible: false, acceleratorWorksWhenHidden: true },
        { role: 'zoomOut' },
        ...(packaged ? [] : ([{ type: 'separator' }, { role: 'toggleDevTools' }] satisfies MenuItemConstructorOptions[])),
      ],
    },
    ...(mac ? ([{ label: 'Window', submenu: [{ role: 'minimize' }, { role: 'close' }] }] satisfies MenuItemConstructorOptions[]) : []),
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
