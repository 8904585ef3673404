/**
 * Systems inside this one: Linux under Windows (WSL) and dev containers. They are named, and what is inside is not looked at from here: no distribution is
 * started or entered for it (naming `\\wsl$` would start one), and no container is built. Of a dev container the editor extensions that its file asks for
 * are told.
 */
import path from 'node:path';
import { devContainers } from './guests/dev-containers.ts';
import { distributions, ourDistribution } from './guests/wsl.ts';
import type { ExtensionObservation } from './observation.ts';
import type { Os } from './os.ts';

/** `path` is the file or the folder that says so; for WSL the folder of its disk. */
export type Guest = { readonly kind: 'wsl' | 'dev-container'; readonly name: string; readonly path: string | null };

export type GuestLook = {
  /** What is here and what is not looked at, in words for people. */
  readonly sentence: string;
  readonly guests: readonly Guest[];
  /** Extensions that dev containers ask for: `program` is `Dev container <folder>`, `enabled` null. */
  readonly observations: readonly ExtensionObservation[];
};

export type GuestObserver = { look(): Promise<GuestLook> };

/** `homes` are absolute; `projects` answers with the absolute folders that clients have recorded. What can't be read is passed over. */
export function createGuestObserver(
  os: Os,
  { homes, projects }: { homes: readonly string[]; projects: () => readonly string[] },
): GuestObserver {
  const all = [...new Set(homes.map((home) => path.resolve(home)))];
  return {
    async look() {
      const linux = os.platform === 'win32' ? await distributions(os) : [];
      const containers = devContainers(os, all, projects());
      const guests = [...(linux ?? []), ...containers.map(({ guest }) => guest)];
      const sentence = [
        ...insideOf(os),
        ...(linux === null ? ['Which Linux systems (WSL) are here can’t be read from the registry.'] : []),
        named(linux?.length ?? 0, containers.length),
      ].join(' ');
      return { sentence, guests, observations: containers.flatMap(({ extensions }) => extensions) };
    },
  };
}

function insideOf(os: Os): string[] {
  const ours = os.platform === 'linux' ? ourDistribution(os) : null;
  if (ours === null) return [];
  return [`This is a Linux inside Windows (WSL${ours === '' ? '' : `: ${ours}`}); what Windows itself has is not looked at from here.`];
}

function named(linux: number, containers: number): string {
  const parts = [
    ...(linux === 0 ? [] : [linux === 1 ? 'one Linux system (WSL)' : `${linux} Linux systems (WSL)`]),
    ...(containers === 0 ? [] : [containers === 1 ? 'one dev container' : `${containers} dev containers`]),
  ];
  if (parts.length === 0) return 'No Linux under Windows and no dev container is known here.';
  const text = parts.join(' and ');
  const one = linux + containers === 1;
  return `${text[0]?.toUpperCase()}${text.slice(1)} ${one ? 'is' : 'are'} known by name; what is inside is not looked at from here.`;
}
