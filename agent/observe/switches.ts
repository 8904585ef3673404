/** Which servers of a file a client has switched off somewhere else: in its settings, in the project's, or in its record of extensions. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { decode, isMap, lookUp } from '../mcp/text.ts';
import type { ConfigFile } from './config-files.ts';
import type { Os } from './os.ts';
import { resolvePlace } from './paths.ts';
import { readSmall } from './read.ts';

/** A client's own state may be some megabytes. */
const maximumBytes = 8 * 1024 * 1024;

export type Switches = {
  /** The files that say so for `file`; empty for most. */
  paths(file: ConfigFile): string[];
  /** Names of servers in `file` that are off, sorted; `*` is all of them. What can't be read switches nothing off. */
  off(file: ConfigFile): readonly string[];
};

export function createSwitches(os: Os, mayRead: (file: string) => boolean): Switches {
  /** One such file serves many others, and is parsed once while it stays as it is. */
  const parsed = new Map<string, { stamp: string; value: unknown }>();

  function readAs(file: string, format: Parameters<typeof decode>[0]): unknown {
    if (!mayRead(file)) return undefined;
    let stamp: string;
    try {
      const stat = statSync(file, { throwIfNoEntry: false });
      stamp = stat ? `${stat.mtimeMs}:${stat.size}:${stat.ino}` : 'absent';
    } catch {
      return undefined;
    }
    const before = parsed.get(file);
    if (before?.stamp === stamp) return before.value;
    const read = readSmall(file, maximumBytes);
    const decoded = read.ok ? decode(format, read.bytes) : null;
    const value = decoded?.ok ? decoded.value : undefined;
    parsed.set(file, { stamp, value });
    return value;
  }

  function rules(file: ConfigFile) {
    if (file.role !== 'mcp' || !file.place.switches) return [];
    const { home, project } = file;
    return file.place.switches.flatMap((rule) => {
      const written = (rule.path[os.platform] ?? '').replace('*', path.basename(path.dirname(file.path)));
      const inProject = /^<project>[/\\]/.test(written);
      if (inProject ? project === null : home === null) return [];
      const moved = rule.movedBy ? resolvePlace(rule.movedBy.path, os, home ?? '') : null;
      const named = inProject ? path.join(project ?? '', ...written.split(/[/\\]/).slice(1)) : resolvePlace(written, os, home ?? '');
      const at = moved !== null && existsSync(moved) ? moved : named;
      return at === null ? [] : [{ rule, at }];
    });
  }

  return {
    paths: (file) => rules(file).map(({ at }) => at),
    off(file) {
      const names = rules(file).flatMap(({ rule, at }): string[] => {
        const keys = rule.at.map((key) => (key === '<project>' ? (file.role === 'mcp' && file.project) || '' : key));
        const found = lookUp(readAs(at, rule.format), keys)[0]?.value;
        if (rule.means === 'list') return Array.isArray(found) ? found.filter((name) => typeof name === 'string') : [];
        if (rule.means === 'flag') return found === false ? ['*'] : [];
        const plugin = pluginOf(file.path);
        const said = plugin && isMap(found) && Object.hasOwn(found, plugin.id) ? found[plugin.id] : undefined;
        // What a marketplace offers isn't installed by that; what lies in the cache was.
        return said === false || (plugin?.isOffer && said !== true) ? ['*'] : [];
      });
      return [...new Set(names)].sort();
    },
  };
}

/** The plugin that a file in a cache or in a marketplace's folder belongs to, as settings name it. */
function pluginOf(file: string): { id: string; isOffer: boolean } | null {
  const steps = file.split(path.sep);
  const cache = steps.lastIndexOf('cache');
  const offers = steps.lastIndexOf('marketplaces');
  if (offers > cache) {
    const inner = steps.slice(offers + 2, -1).filter((step) => !step.startsWith('.'));
    return inner.length > 0 ? { id: `${inner.at(-1)}@${steps[offers + 1]}`, isOffer: true } : null;
  }
  const [marketplace, plugin] = steps.slice(cache + 1, -1);
  return cache < 0 || plugin === undefined ? null : { id: `${plugin}@${marketplace}`, isOffer: false };
}
