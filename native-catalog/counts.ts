/** How broad the catalog is, in figures, and the least that it promises. */
import type { Platform } from '../electron/contract.ts';
import { observationsOf } from './examples.ts';
import type { Client, Entry, Family, Innocents } from './schema.ts';

/** A figure with its name; `least` is what it may not fall below. */
export type Count = { readonly what: string; readonly is: number; readonly least?: number };

type Counted = {
  readonly entries: readonly Entry[];
  readonly families: readonly Family[];
  readonly clients: readonly Client[];
  readonly innocents: readonly { readonly platform: Platform; readonly list: Innocents }[];
};

/** Every figure of the catalog, those with a bar first. */
export function counts({ entries, families, clients, innocents }: Counted): Count[] {
  const of = <K extends 'category' | 'surface'>(field: K, ...values: readonly Entry[K][]) =>
    entries.filter((entry) => values.includes(entry[field])).length;
  const each = (field: 'category' | 'surface') =>
    [...new Set(entries.map((entry) => entry[field]))].sort().map((value) => ({ what: `${field} ${value}`, is: of(field, value) }));
  const tiers = families.flatMap((family) => family.tiers);
  const probes = entries.filter(({ accounts }) => accounts);
  // A place that no source confirms makes nobody a known client.
  const known = [...entries, ...clients].filter(({ mcp }) => mcp?.some(({ uncertain }) => !uncertain));
  const ordinary = (platform: Platform) => {
    const list = innocents.find((one) => one.platform === platform)?.list;
    return list ? observationsOf(platform, list).length : 0;
  };
  return [
    { what: 'tools', is: entries.length, least: 400 },
    { what: 'coding CLIs and agents', is: of('category', 'coding-cli', 'agent'), least: 60 },
    { what: 'IDE extensions', is: of('category', 'ide-extension'), least: 80 },
    { what: 'browser extensions', is: of('category', 'browser-extension'), least: 25 },
    { what: 'MCP clients', is: known.length, least: 60 },
    { what: 'ordinary programs of macOS', is: ordinary('darwin'), least: 400 },
    { what: 'ordinary programs of Linux', is: ordinary('linux'), least: 400 },
    { what: 'ordinary programs of Windows', is: ordinary('win32'), least: 400 },
    { what: 'families', is: families.length },
    { what: 'tiers', is: tiers.length },
    { what: 'tiers of which it is known whether the vendor trains', is: tiers.filter(({ trains }) => trains !== 'unknown').length },
    { what: 'tools whose plan a file says', is: probes.length },
    { what: 'files that say it', is: probes.reduce((sum, { accounts = [] }) => sum + accounts.length, 0) },
    { what: 'tools with places of add-ons', is: entries.filter(({ addons }) => addons).length },
    { what: 'tools with places of models', is: entries.filter(({ models }) => models).length },
    { what: 'tools of which AI is one feature', is: entries.filter(({ feature }) => feature).length },
    ...each('category'),
    ...each('surface'),
  ];
}
