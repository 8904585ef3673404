/**
 * Linux under Windows (WSL): the distributions that this user has, from the registry, and whether we are in one.
 *
 * Written from Microsoft's documentation and against Wine's reg.exe; unverified on Windows.
 */
import path from 'node:path';
import type { Guest } from '../guests.ts';
import { plainName } from '../installed/look.ts';
import { parseRegistry } from '../installed/win32-apps.ts';
import type { Os } from '../os.ts';
import { readSmall } from '../read.ts';

const key = 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Lxss';
const wanted = new Set(['distributionname', 'basepath']);

/** None where WSL was never used; null where the registry can't be asked. */
export async function distributions(os: Os): Promise<Guest[] | null> {
  const root = os.env['SystemRoot'] ?? os.env['SYSTEMROOT'] ?? 'C:\\Windows';
  let answer: string;
  try {
    answer = await os.run(path.win32.join(root, 'System32', 'reg.exe'), ['query', key, '/s']);
  } catch (error) {
    // Exit code 1 is its answer for a key that doesn't exist.
    return (error as { code?: unknown }).code === 1 ? [] : null;
  }
  return parseRegistry(answer, wanted).flatMap(({ values }): Guest[] => {
    const name = plainName(values.get('distributionname'));
    if (name === null) return [];
    return [{ kind: 'wsl', name, path: plainName(values.get('basepath')?.replace(/^\\\\\?\\/, '')) }];
  });
}

/** The distribution that we run in, an empty text where it has no name, null where this is no WSL. */
export function ourDistribution(os: Os): string | null {
  const named = os.env['WSL_DISTRO_NAME'];
  if (named) return plainName(named) ?? '';
  const release = readSmall(os.at('/proc/sys/kernel/osrelease'), 4096);
  return release.ok && /microsoft/i.test(release.bytes.toString('latin1')) ? '' : null;
}
