/** A made-up machine with the agent over it: real files under a temporary root, and time that passes when a test says so. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { startAgent } from '../../agent/agent.ts';
import { readMigrations } from '../../agent/assets.ts';
import type { Os } from '../../agent/observe/os.ts';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';
import { loadCatalog } from '../../agent/session.ts';
import { openStore } from '../../agent/store/store.ts';
import { fakeClock, fakeOs } from '../fakes.ts';

const scratch = fs.mkdtempSync(path.join(tmpdir(), 'muster-looks-'));
const ends: (() => void)[] = [];
afterAll(() => {
  for (const end of ends) end();
  fs.rmSync(scratch, { recursive: true, force: true });
});

/** Whoever runs the tests: the folders below a made-up /proc are theirs. */
export const ME = process.getuid?.() ?? 0;
export const SOMEBODY = ME + 1;

export function machine(options: { uid?: number; env?: Os['env']; programs?: Parameters<typeof fakeOs>[0]['programs'] } = {}) {
  const root = fs.mkdtempSync(path.join(scratch, 'root-'));
  const home = path.join(root, 'home/ada');
  fs.mkdirSync(home, { recursive: true });
  fs.mkdirSync(path.join(root, 'proc'));
  const { programs, env = {}, uid = ME } = options;
  const os = fakeOs({ root, user: { name: 'ada', uid, home }, env, ...(programs ? { programs } : {}) });
  const clock = fakeClock();
  const problems = createProblems();
  const store = openStore(path.join(root, 'muster.db'), { migrations: readMigrations() });
  ends.push(() => store.close());
  const agent = startAgent({
    os,
    clock,
    catalog: loadCatalog(),
    store,
    problems,
    device: { id: 'd', platform: 'linux', hostname: 'test', user: 'ada' },
    dataDir: root,
    version: '0',
    homes: [home],
    policyFile: createPolicyFile(path.join(root, 'policy.json'), { tool: () => true, tiers: () => null }, problems),
    settings: { pollSeconds: 15, lookMinutes: 1000 },
    log: () => {},
  });
  /** A process as Linux shows it; without `exe` it is one whose file the system hides, as it does for other accounts. */
  const runs = (pid: number, args: readonly string[], exe?: string, uid = ME) => {
    const folder = path.join(root, 'proc', String(pid));
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'stat'), `${pid} (x) S 1 ${'0 '.repeat(17)}${pid} 0 0 0 0 0 0 0`);
    fs.writeFileSync(path.join(folder, 'status'), `Name:\tx\nUid:\t${uid}\t${uid}\n`);
    fs.writeFileSync(path.join(folder, 'cmdline'), `${args.join('\0')}\0`);
    if (exe) fs.symlinkSync(exe, path.join(folder, 'exe'));
  };
  /** The kernel's table of sockets that wait on a port, held by these processes, or by nobody who can be known. */
  const listens = (sockets: readonly { readonly port: number; readonly pid: number | null; readonly everywhere?: boolean }[]) => {
    const rows = sockets.map(({ port, pid, everywhere }, at) => {
      const inode = 5000 + port;
      if (pid !== null) {
        const files = path.join(root, 'proc', String(pid), 'fd');
        fs.mkdirSync(files, { recursive: true });
        fs.rmSync(path.join(files, String(port)), { force: true });
        fs.symlinkSync(`socket:[${inode}]`, path.join(files, String(port)));
      }
      const address = `${everywhere ? '00000000' : '0100007F'}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
      return `   ${at}: ${address} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 ${inode} 1 0 100 0 0 10 0`;
    });
    fs.mkdirSync(path.join(root, 'proc/net'), { recursive: true });
    const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
    fs.writeFileSync(path.join(root, 'proc/net/tcp'), `${[head, ...rows].join('\n')}\n`);
  };
  return { root, home, os, clock, agent, store, runs, listens };
}
