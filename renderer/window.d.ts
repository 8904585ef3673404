/** What the preload puts into the page. */
import type { WindowAgent, WindowShell } from '../electron/contract.ts';

declare global {
  interface Window {
    readonly agent: WindowAgent;
    readonly shell: WindowShell;
  }
}
