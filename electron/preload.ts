/** The only code that stands between a window and the rest: puts `window.agent` and `window.shell` there, and nothing else. Sandboxed. */
import { contextBridge, ipcRenderer } from 'electron';
import { type BridgeIpc, bridge } from './bridge.ts';

const { agent, shell } = bridge(ipcRenderer as unknown as BridgeIpc);
contextBridge.exposeInMainWorld('agent', agent);
contextBridge.exposeInMainWorld('shell', shell);
