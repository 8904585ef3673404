/**
 * The few functions of Windows that the observers call, through koffi: kernel32, ntdll, advapi32, user32 and iphlpapi. No child process is started.
 *
 * The layouts are those of 64-bit Windows, which are the same on x64 and ARM64. SystemProcessInformation and ProcessCommandLineInformation are
 * documented only in part; both have had this form since Windows 8.1. Seen to work under Wine; not yet on Windows itself, nor on ARM64.
 */
import type { ProcessObservation } from '../observation.ts';

export type Win32Process = {
  readonly pid: number;
  readonly parent: number;
  /** When it was created, in 100 ns since 1601, as text. */
  readonly created: string;
};

/**
 * What can be had of one process; a field is null where Windows won't say (another user's, a protected one, one that has ended). Whose it is can be
 * told of another person only by an elevated agent: to any other one such a process doesn't open, shows neither program nor arguments, and is `system`.
 */
export type Win32Detail = {
  readonly exe: string | null;
  readonly commandLine: string | null;
  readonly owner: ProcessObservation['owner'];
};

export type Win32Api = {
  /** Every process but the idle one. Throws with the status where Windows refuses. */
  list(): Win32Process[];
  /** `self` is the user that we run as. */
  detail(pid: number): Win32Detail;
  /** The window in front and its process; null where there is none (a locked screen). `title` is read only when asked for. */
  foreground(withTitle: boolean): { pid: number; title: string | null } | null;
};

export type Win32Sockets = {
  /** Every TCP socket that waits for connections. Throws with the status where Windows refuses. */
  listening(): Win32Listening[];
};

type Win32Listening = { readonly port: number; readonly loopback: boolean; readonly pid: number };

export type Win32Registry = {
  /**
   * The keys right below `key`, each with its text values whose lower-case names are `wanted`; none where there is no such key. Throws with the status where
   * Windows refuses. `view` is whose half of a key that 32- and 64-bit programs have apart.
   */
  below(hive: 'HKLM' | 'HKCU', key: string, wanted: ReadonlySet<string>, view?: 32 | 64): Win32Key[];
};

type Win32Key = { readonly key: string; readonly values: ReadonlyMap<string, string> };

const systemProcessInformation = 5;
const processCommandLineInformation = 60;
const tokenUser = 1;
const queryLimitedInformation = 0x1000;
const tokenQuery = 8;
const basicInformation = 0;
const readMemory = 0x10;
const lengthMismatch = 0xc000_0004;
const invalidInformationClass = 0xc000_0003;
const currentProcess = -1;
/** The longest path and the longest command line of Windows, in UTF-16 units. */
const longestText = 32_768;
/** One window title is enough at this length: it is only matched. */
const longestTitle = 1024;

/** Loads koffi and binds the functions; rejects where koffi's native part is missing. */
export async function win32Api(): Promise<Win32Api> {
  const { default: koffi } = await import('koffi');
  const kernel32 = koffi.load('kernel32.dll');
  const ntdll = koffi.load('ntdll.dll');
  const advapi32 = koffi.load('advapi32.dll');
  const user32 = koffi.load('user32.dll');
  const OpenProcess = kernel32.func('intptr_t __stdcall OpenProcess(uint32_t access, int inherit, uint32_t pid)');
  const CloseHandle = kernel32.func('int __stdcall CloseHandle(intptr_t handle)');
  const QueryFullProcessImageNameW = kernel32.func(
    'int __stdcall QueryFullProcessImageNameW(intptr_t process, uint32_t flags, void *name, void *size)',
  );
  const NtQuerySystemInformation = ntdll.func(
    'uint32_t __stdcall NtQuerySystemInformation(int sort, void *buffer, uint32_t size, void *needed)',
  );
  const NtQueryInformationProcess = ntdll.func(
    'uint32_t __stdcall NtQueryInformationProcess(intptr_t process, int sort, void *buffer, uint32_t size, void *needed)',
  );
  const ReadProcessMemory = kernel32.func(
    'int __stdcall ReadProcessMemory(intptr_t process, uint64_t from, void *to, size_t size, void *read)',
  );
  const OpenProcessToken = advapi32.func('int __stdcall OpenProcessToken(intptr_t process, uint32_t access, void *token)');
  const GetTokenInformation = advapi32.func(
    'int __stdcall GetTokenInformation(intptr_t token, int sort, void *buffer, uint32_t size, void *needed)',
  );
  const GetForegroundWindow = user32.func('intptr_t __stdcall GetForegroundWindow()');
  const GetWindowThreadProcessId = user32.func('uint32_t __stdcall GetWindowThreadProcessId(intptr_t window, void *pid)');
  const GetWindowTextW = user32.func('int __stdcall GetWindowTextW(intptr_t window, void *text, int size)');

  const number = Buffer.alloc(8);
  const text = Buffer.alloc(longestText * 2 + 16);
  let table = Buffer.alloc(512 * 1024);

  function userOf(process: number | bigint): string | null {
    if (!OpenProcessToken(process, tokenQuery, number)) return null;
    const token = number.readBigInt64LE();
    try {
      // TOKEN_USER is a pointer and the attributes, 16 bytes, and then the identifier itself: 8 bytes and 4 for each part.
      if (!GetTokenInformation(token, tokenUser, text, 256, number)) return null;
      return text.toString('hex', 16, 16 + 8 + 4 * text.readUInt8(17));
    } finally {
      CloseHandle(token);
    }
  }

  function exeOf(process: number | bigint): string | null {
    number.writeUInt32LE(longestText);
    if (!QueryFullProcessImageNameW(process, 0, text, number)) return null;
    return text.toString('utf16le', 0, number.readUInt32LE() * 2) || null;
  }

  function commandLineOf(process: number | bigint, pid: number): string | null {
    const status: number = NtQueryInformationProcess(process, processCommandLineInformation, text, text.length, number);
    if (status === invalidInformationClass) return commandLineFromMemory(pid);
    if (status !== 0) return null;
    // A UNICODE_STRING (its length in bytes, its room, its address: 16 bytes) and then the text itself.
    return text.toString('utf16le', 16, 16 + text.readUInt16LE());
  }

  /**
   * For Wine before version 9, which knows no ProcessCommandLineInformation: process → its environment block → its parameters → the command line.
   * Windows itself never comes here: a program that reads others' memory is what its guards look for.
   */
  function commandLineFromMemory(pid: number): string | null {
    const process: number | bigint = OpenProcess(queryLimitedInformation | readMemory, 0, pid);
    if (!process) return null;
    const read = (from: bigint, size: number) => (ReadProcessMemory(process, from, text, size, number) ? text : null);
    try {
      if (NtQueryInformationProcess(process, basicInformation, text, 48, number) !== 0) return null;
      const parameters = read(text.readBigUInt64LE(8) + 0x20n, 8)?.readBigUInt64LE();
      const line = parameters ? read(parameters + 0x70n, 16) : null;
      if (!line) return null;
      const length = line.readUInt16LE();
      return read(line.readBigUInt64LE(8), length)?.toString('utf16le', 0, length) ?? null;
    } finally {
      CloseHandle(process);
    }
  }

  const ourselves = userOf(currentProcess);

  return {
    list() {
      for (;;) {
        const status: number = NtQuerySystemInformation(systemProcessInformation, table, table.length, number);
        if (status === 0) return readTable(table);
        if (status !== lengthMismatch) {
          throw new Error(
            `Windows refuses the process list (NtQuerySystemInformation: 0x${status.toString(16)}); start Muster as an ordinary program of the user.`,
          );
        }
        table = Buffer.alloc(Math.max(table.length * 2, number.readUInt32LE() + 64 * 1024));
      }
    },
    detail(pid) {
      const process: number | bigint = OpenProcess(queryLimitedInformation, 0, pid);
      if (!process) return { exe: null, commandLine: null, owner: 'system' };
      try {
        return {
          exe: exeOf(process),
          commandLine: commandLineOf(process, pid),
          owner: accountOf(userOf(process), ourselves),
        };
      } finally {
        CloseHandle(process);
      }
    },
    foreground(withTitle) {
      const window: number | bigint = GetForegroundWindow();
      if (!window || !GetWindowThreadProcessId(window, number)) return null;
      const pid = number.readUInt32LE();
      const length: number = withTitle ? GetWindowTextW(window, text, longestTitle) : 0;
      return { pid, title: withTitle ? text.toString('utf16le', 0, length * 2) : null };
    },
  };
}

const terminate = 1;
const accessDenied = 5;

/**
 * Ends a process if it still is the one that was created then, asked for and ended through one handle: its number can't pass to another meanwhile.
 * False where it had ended already; throws where Windows doesn't allow it. Not tried on Windows itself.
 */
export async function win32Terminate(): Promise<(process: { readonly pid: number; readonly startedAt: string }) => boolean> {
  const { default: koffi } = await import('koffi');
  const kernel32 = koffi.load('kernel32.dll');
  const OpenProcess = kernel32.func('intptr_t __stdcall OpenProcess(uint32_t access, int inherit, uint32_t pid)');
  const CloseHandle = kernel32.func('int __stdcall CloseHandle(intptr_t handle)');
  const TerminateProcess = kernel32.func('int __stdcall TerminateProcess(intptr_t process, uint32_t code)');
  const GetProcessTimes = kernel32.func(
    'int __stdcall GetProcessTimes(intptr_t process, void *created, void *ended, void *kernel, void *user)',
  );
  const GetLastError = kernel32.func('uint32_t __stdcall GetLastError()');
  const times = [Buffer.alloc(8), Buffer.alloc(8), Buffer.alloc(8), Buffer.alloc(8)];
  const denied = () => Object.assign(new Error('Windows doesn’t allow it; end the program yourself.'), { code: 'EPERM' });
  return ({ pid, startedAt }) => {
    const process: number | bigint = OpenProcess(queryLimitedInformation | terminate, 0, pid);
    if (!process) {
      const error: number = GetLastError();
      if (error === accessDenied) throw denied();
      return false;
    }
    try {
      const [created = Buffer.alloc(8)] = times;
      if (!GetProcessTimes(process, ...times) || created.readBigUInt64LE().toString() !== startedAt) return false;
      // One that is ending already answers with a refusal too; the next look says whether it is gone.
      if (!TerminateProcess(process, 1)) throw denied();
      return true;
    } finally {
      CloseHandle(process);
    }
  };
}

const tcpTableOwnerPidListener = 3;
const families = [2, 23] as const;
const insufficientBuffer = 122;

/** Loads koffi and binds the one function; rejects where koffi's native part is missing. */
export async function win32Sockets(): Promise<Win32Sockets> {
  const { default: koffi } = await import('koffi');
  const GetExtendedTcpTable = koffi
    .load('iphlpapi.dll')
    .func('uint32_t __stdcall GetExtendedTcpTable(void *table, void *size, int sorted, uint32_t family, int sort, uint32_t reserved)');
  const size = Buffer.alloc(4);
  let table = Buffer.alloc(64 * 1024);
  return {
    listening: () =>
      families.flatMap((family) => {
        for (;;) {
          size.writeUInt32LE(table.length);
          const status: number = GetExtendedTcpTable(table, size, 0, family, tcpTableOwnerPidListener, 0);
          if (status === 0) return readListening(table, family === 23);
          if (status !== insufficientBuffer) {
            // A computer without IPv6 has no second table.
            if (family === 23) return [];
            throw new Error(`Windows refuses the table of sockets (GetExtendedTcpTable: ${status}); it is asked again at the next look.`);
          }
          table = Buffer.alloc(Math.max(table.length * 2, size.readUInt32LE() + 16 * 1024));
        }
      }),
  };
}

/** Handles of the two hives, which Windows extends from 32 bits with their sign. */
const hives = { HKLM: BigInt(0x8000_0002 | 0), HKCU: BigInt(0x8000_0001 | 0) } as const;
const keyRead = 0x2_0019;
const viewOf = { 64: 0x100, 32: 0x200 } as const;
const fileNotFound = 2;
const noMoreItems = 259;
/** REG_SZ and REG_EXPAND_SZ. */
const texts: readonly number[] = [1, 2];
/** UTF-16 units: a key's name has at most 255; what is longer than this in a value is none that is shown. */
const longestKey = 256;
const longestValue = 2048;
const mostKeys = 20_000;

/** Loads koffi and binds the functions; rejects where koffi's native part is missing. */
export async function win32Registry(): Promise<Win32Registry> {
  const { default: koffi } = await import('koffi');
  const advapi32 = koffi.load('advapi32.dll');
  const RegOpenKeyExW = advapi32.func(
    'int32_t __stdcall RegOpenKeyExW(intptr_t key, str16 below, uint32_t options, uint32_t access, void *opened)',
  );
  const RegEnumKeyExW = advapi32.func(
    'int32_t __stdcall RegEnumKeyExW(intptr_t key, uint32_t index, void *name, void *size, void *reserved, void *class, void *classSize, void *written)',
  );
  const RegQueryValueExW = advapi32.func(
    'int32_t __stdcall RegQueryValueExW(intptr_t key, str16 name, void *reserved, void *sort, void *data, void *size)',
  );
  const RegCloseKey = advapi32.func('int32_t __stdcall RegCloseKey(intptr_t key)');
  const handle = Buffer.alloc(8);
  const size = Buffer.alloc(4);
  const sort = Buffer.alloc(4);
  const text = Buffer.alloc(longestValue * 2);

  /** Null where there is no such key. */
  function open(parent: bigint, below: string, view: 32 | 64): bigint | null {
    const status: number = RegOpenKeyExW(parent, below, 0, keyRead | viewOf[view], handle);
    if (status === fileNotFound) return null;
    if (status !== 0) throw new Error(`Windows refuses the registry key ${below} (RegOpenKeyExW: ${status}); let your account read it.`);
    return handle.readBigInt64LE();
  }

  function textOf(key: bigint, name: string): string | null {
    size.writeUInt32LE(text.length);
    const status: number = RegQueryValueExW(key, name, null, sort, text, size);
    if (status !== 0 || !texts.includes(sort.readUInt32LE())) return null;
    return text.toString('utf16le', 0, size.readUInt32LE() & ~1).replace(/\0.*$/s, '');
  }

  return {
    below(hive, path, wanted, view = 64) {
      const parent = open(hives[hive], path, view);
      if (parent === null) return [];
      const found: Win32Key[] = [];
      try {
        for (let index = 0; index < mostKeys; index++) {
          size.writeUInt32LE(longestKey);
          const status: number = RegEnumKeyExW(parent, index, text, size, null, null, null, null);
          if (status === noMoreItems) break;
          if (status !== 0)
            throw new Error(`Windows refuses what is below the registry key ${path} (RegEnumKeyExW: ${status}); let your account read it.`);
          const name = text.toString('utf16le', 0, size.readUInt32LE() * 2);
          const values = new Map<string, string>();
          // One that is removed meanwhile, or that this account may not read, says nothing.
          const key =
            wanted.size === 0 || RegOpenKeyExW(parent, name, 0, keyRead | viewOf[view], handle) !== 0 ? null : handle.readBigInt64LE();
          if (key !== null) {
            for (const one of wanted) {
              const value = textOf(key, one);
              if (value !== null) values.set(one, value);
            }
            RegCloseKey(key);
          }
          found.push({ key: `${path}\\${name}`, values });
        }
        return found;
      } finally {
        RegCloseKey(parent);
      }
    },
  };
}

/** The rows of a MIB_TCPTABLE_OWNER_PID, or of a MIB_TCP6TABLE_OWNER_PID: their number, and then 24 or 56 bytes each. */
export function readListening(table: Buffer, ipv6: boolean): Win32Listening[] {
  const row = ipv6 ? 56 : 24;
  const count = Math.min(table.readUInt32LE(0), Math.floor((table.length - 4) / row));
  return Array.from({ length: count }, (_, index) => {
    const at = 4 + index * row;
    const address = ipv6 ? table.toString('hex', at, at + 16) : '';
    return {
      // Ports stand in the network's order in the lower half of their four bytes.
      port: table.readUInt16BE(at + (ipv6 ? 20 : 8)),
      loopback: ipv6 ? /^(0{31}1$|0{20}ffff7f)/.test(address) : table[at + 4] === 127,
      pid: table.readUInt32LE(at + (ipv6 ? 52 : 20)),
    };
  });
}

/**
 * Whose a security identifier is, in the hexadecimal digits of its bytes. People have S-1-5-21-… (of this computer or a domain) or S-1-12-1-… (Entra);
 * all others, and what Windows doesn't say, are services and the system.
 */
export function accountOf(sid: string | null, ourselves: string | null): ProcessObservation['owner'] {
  if (sid === null) return 'system';
  if (sid === ourselves) return 'self';
  // A byte of revision, one that counts the parts, six of the authority, and the parts, four bytes each with the lowest first.
  return /^01..(00000000000515000000|00000000000c01000000)/.test(sid) ? 'other' : 'system';
}

/** The processes of a SYSTEM_PROCESS_INFORMATION table: each entry says where the next one begins, the last one says 0. */
export function readTable(table: Buffer): Win32Process[] {
  const processes: Win32Process[] = [];
  for (let at = 0; at + 96 <= table.length; ) {
    const pid = Number(table.readBigUInt64LE(at + 80));
    // Number 0 is the idle process, which is none.
    if (pid !== 0) {
      processes.push({ pid, parent: Number(table.readBigUInt64LE(at + 88)), created: table.readBigUInt64LE(at + 32).toString() });
    }
    const next = table.readUInt32LE(at);
    if (next === 0) break;
    at += next;
  }
  return processes;
}
