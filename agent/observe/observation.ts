/** What the observers report: raw facts from the operating system, before anybody decides what they mean. They live in memory only. */
import type { Platform } from '../../electron/contract.ts';

/**
 * One process. `args` and `title`s may hold anything a person typed: they reach `catalog.identify` and `mcp/running`, and go no further.
 */
export type ProcessObservation = {
  readonly kind: 'process';
  readonly pid: number;
  readonly parent: number;
  /** Opaque, compared for equality: a reused pid has another. */
  readonly startedAt: string;
  /** Absolute, links resolved; null where the system won't say. */
  readonly exe: string | null;
  readonly args: readonly string[];
  /** For an interpreter: the absolute, link-resolved file that it runs; null for none (a REPL, `-e`) and for other programs. */
  readonly script: string | null;
  /** For `python -m`: the module. */
  readonly module: string | null;
  /** macOS: the bundle identifier of the innermost `.app` that holds `exe`. */
  readonly bundleId: string | null;
  /** The home folder whose user owns the process; null for another user. */
  readonly home: string | null;
  /** `self`: whoever the agent looks for; `system`: an account of the system's own; `other`: another person, whose programs are theirs alone. */
  readonly owner: 'self' | 'system' | 'other';
};

/** The window in front. The title is matched where policy allows, and never kept. */
export type WindowObservation = {
  readonly kind: 'window';
  readonly pid: number;
  readonly exe: string | null;
  readonly bundleId: string | null;
  readonly appName: string | null;
  readonly title: string | null;
};

/** A package that a package manager says is there. */
export type PackageObservation = {
  readonly kind: 'package';
  readonly manager: PackageManager;
  readonly name: string;
  readonly version: string | null;
  readonly path: string | null;
  readonly home: string | null;
};

export type PackageManager = 'npm' | 'pypi' | 'brew' | 'cask' | 'snap' | 'flatpak' | 'dpkg' | 'cargo' | 'msix';

/** An application with an identity of the platform's own. */
export type AppObservation = {
  readonly kind: 'app';
  readonly platform: Platform;
  /** darwin: bundle identifier · linux: name of the .desktop file without its ending · win32: key name under Uninstall. */
  readonly appId: string;
  readonly name: string;
  readonly publisher: string | null;
  readonly version: string | null;
  readonly path: string | null;
  readonly home: string | null;
};

/** An executable in a folder of binaries. `target` is where its links end. */
export type BinaryObservation = {
  readonly kind: 'binary';
  readonly name: string;
  readonly path: string;
  readonly target: string;
  readonly home: string | null;
};

/** A file or folder that a tool keeps for itself (named by the catalog) exists. */
export type ConfigObservation = { readonly kind: 'config'; readonly entry: string; readonly path: string; readonly home: string | null };

export type Observation =
  | ProcessObservation
  | WindowObservation
  | PackageObservation
  | AppObservation
  | BinaryObservation
  | ConfigObservation;

/** What is wrong with one place of the outside; becomes a `Problem` by its code. */
export type Trouble = { readonly code: string; readonly path: string | null; readonly detail?: string };

/** The clock and the randomness that everything with time in it is given. Tests pass their own. */
export type Clock = {
  now(): Date;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
};
