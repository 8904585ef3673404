/** How package managers spell the name of one package, so that every spelling finds the same entry. */
import type { PackageManager } from '../agent/observe/observation.ts';

/**
 * The key of a name that an entry lists, and with `packageKeys` of one that was seen. `npmPlatform` is no manager: it holds what stands before
 * `-linux-x64` in platform packages.
 */
export function packageKey(manager: PackageManager | 'npmPlatform', name: string): string {
  switch (manager) {
    case 'pypi':
      return `pypi:${pypiName(name)}`;
    case 'msix':
      return `msix:${msixFamily(name)}`;
    case 'brew':
    case 'cask':
      // A tap's path stands before the name: `sst/tap/opencode`.
      return `${manager}:${name.slice(name.lastIndexOf('/') + 1).toLowerCase()}`;
    case 'dpkg':
      return `dpkg:${name.split(':', 1)[0]}`;
    default:
      return `${manager}:${name}`;
  }
}

/** The keys to look up for a package that was seen, the exact one first. */
export function packageKeys(manager: PackageManager, name: string): readonly string[] {
  const exact = packageKey(manager, name);
  if (manager === 'npm') {
    const base = withoutPlatform(name);
    return base === null ? [exact] : [exact, `npm:${base}`, `npmPlatform:${base}`];
  }
  // `claude-code@latest` is another channel of the same program.
  if ((manager === 'brew' || manager === 'cask') && name.includes('@'))
    return [exact, packageKey(manager, name.slice(0, name.indexOf('@')))];
  return [exact];
}

/** PEP 503: the one spelling of a Python distribution's name. */
function pypiName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** `@openai/codex-linux-x64` → `@openai/codex`; null for a name that has no platform at its end. */
function withoutPlatform(npmName: string): string | null {
  const base = npmName.replace(
    /-(linux|darwin|win32|windows|macos|freebsd|android)(-(x64|x86|ia32|arm64|arm|amd64|aarch64|universal|baseline|musl|gnu|msvc))*$/,
    '',
  );
  return base === npmName || base === '' ? null : base;
}

/** A Windows package's name (`OpenAI.Codex`), full name or family name → its family name, or its bare name where there is no publisher in it. */
function msixFamily(name: string): string {
  const parts = name.toLowerCase().split('_');
  return parts.length > 1 ? `${parts[0]}_${parts.at(-1)}` : (parts[0] as string);
}
