/**
 * Listening sockets on Linux: the kernel's table names each with its inode and its account, and the process that holds it has a link to that inode
 * among its open files. Links are read only while a socket's process is not known; later looks read the one link that was found.
 */
import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import type { Listening, ReadListening } from '../listeners.ts';
import type { Os } from '../os.ts';
import { isPersons } from '../processes/linux.ts';

/** Listening sockets come first in the table, so that what a busy server has beyond this is connections. */
const mostOfTable = 4 * 1024 * 1024;
/** A process with more open files than this is a database or a proxy; the rest of its files are not looked at. */
const mostFiles = 20_000;
/** TCP_LISTEN of the kernel's tcp_states.h. */
const listening = '0A';

type Socket = { readonly port: number; readonly reach: Listening['reach']; readonly uid: number; readonly inode: string };

export function linuxListening(os: Os): ReadListening {
  const proc = os.at('/proc');
  /** Where each socket's process was found: its link, and the process. Null: not found, though it could have been. */
  let holders = new Map<string, { pid: number; link: string } | null>();

  function sockets(): Socket[] {
    // A kernel without IPv6 has no second table.
    const tables = [`${proc}/net/tcp`, `${proc}/net/tcp6`].map(readTable);
    if (tables[0] === null) throw Object.assign(new Error('no table of sockets'), { code: `no ${proc}/net/tcp` });
    return tables.flatMap((table) => (table === null ? [] : parseTable(table)));
  }

  const isReadable = ({ uid }: Socket) => os.user.uid === 0 || uid === os.user.uid;

  function find(wanted: Set<string>, processes: readonly string[]): void {
    for (const name of processes) {
      if (wanted.size === 0) return;
      if (!/^\d+$/.test(name)) continue;
      const folder = `${proc}/${name}`;
      const owner = statSync(folder, { throwIfNoEntry: false })?.uid;
      if (owner === undefined || !(os.user.uid === 0 || owner === os.user.uid)) continue;
      for (const file of filesOf(folder)) {
        const link = `${folder}/fd/${file}`;
        const inode = /^socket:\[(\d+)\]$/.exec(readLink(link) ?? '')?.[1];
        // The first that has it is the oldest: a server's children hold its socket too.
        if (inode !== undefined && wanted.delete(inode)) holders.set(inode, { pid: Number(name), link });
      }
    }
  }

  return async (among) => {
    const found = sockets().filter(({ uid }) => uid === os.user.uid || !isPersons(uid));
    const known = holders;
    holders = new Map();
    const wanted = new Set<string>();
    for (const socket of found.filter(isReadable)) {
      const holder = known.get(socket.inode);
      // Inodes are not given twice while one lives, so that the same link says the same process, or its heir.
      if (holder && readLink(holder.link) === `socket:[${socket.inode}]`) holders.set(socket.inode, holder);
      else if (holder === null) holders.set(socket.inode, null);
      else wanted.add(socket.inode);
    }
    if (among && wanted.size > 0) {
      find(wanted, [...among.pids].map(String));
      // A desktop's processes have tens of thousands of open files; what nobody asked about isn't looked for in them.
      for (const { inode, port } of found) if (!among.ports.has(port)) wanted.delete(inode);
    }
    if (wanted.size > 0) find(wanted, readdirSync(proc));
    for (const inode of wanted) holders.set(inode, null);
    return found.map(({ port, reach, uid, inode }): Listening => {
      const pid = holders.get(inode)?.pid ?? null;
      return { port, reach, pid, exe: pid === null ? null : exeOf(`${proc}/${pid}`), home: uid === os.user.uid ? os.user.home : null };
    });
  };
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(`${folder}/fd`).slice(0, mostFiles);
  } catch {
    // It has ended, or may not be looked into (a key agent).
    return [];
  }
}

function exeOf(folder: string): string | null {
  return readLink(`${folder}/exe`)?.replace(/ \(deleted\)$/, '') ?? null;
}

function readLink(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}

function readTable(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const parts: Buffer[] = [];
    for (let length = 0; length < mostOfTable; ) {
      const part = Buffer.allocUnsafe(64 * 1024);
      const read = readSync(file, part, 0, part.length, null);
      if (read === 0) break;
      parts.push(part.subarray(0, read));
      length += read;
    }
    return Buffer.concat(parts).toString('latin1');
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}

/** The listening sockets of a /proc/net/tcp or tcp6; other lines are passed over. */
export function parseTable(table: string): Socket[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , uid = '', , inode = ''] = line.trim().split(/\s+/);
    const [, address = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local) ?? [];
    if (state !== listening || port === '0000' || !/^\d+$/.test(uid) || !/^\d+$/.test(inode) || port === '') return [];
    return [{ port: Number.parseInt(port, 16), reach: isLoopback(address) ? 'loopback' : 'network', uid: Number(uid), inode }];
  });
}

/** 127.0.0.0/8 and ::1, and the first of them written as IPv6. Each four bytes stand in the order of the processor, which has the lowest first. */
function isLoopback(address: string): boolean {
  if (address.length === 8) return address.endsWith('7F');
  return address === '00000000000000000000000001000000' || (address.startsWith('0000000000000000FFFF0000') && address.endsWith('7F'));
}
