/** The smallest Electron application that shows the window's page: the product's own protocol, headers and locks, and no preload (a fake stands in its place). */
import { app, protocol, session } from 'electron';
import { lockContents, lockSession, quietChromium } from '../../../electron/main/lockdown.ts';
import { SCHEME, serveRenderer } from '../../../electron/main/renderer-files.ts';

quietChromium(app.commandLine);
app.disableHardwareAcceleration();
protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
lockContents(app);
// Tests open and close windows; the application stays.
app.on('window-all-closed', () => {});
void app.whenReady().then(() => {
  const folder = process.env['MUSTER_TEST_PAGE'] ?? '';
  lockSession(session.defaultSession, true, () => {});
  session.defaultSession.protocol.handle(SCHEME, (request) => serveRenderer(request, folder));
});
