/** What the observers report: raw facts from the operating system, before anybody decides what they mean. They live in memory only. */
import type { Platform } from '../../electron/contract.ts';
import type { AddonPlace } from '../../native-catalog/schema.ts';

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

export type ExtensionHost = 'vscode' | 'jetbrains' | 'visual-studio' | 'neovim' | 'zed' | 'eclipse' | 'chromium' | 'firefox';

/** An extension in an editor or a browser, as that program records it. One observation a program and folder, whatever the number of profiles. */
export type ExtensionObservation = {
  readonly kind: 'extension';
  readonly host: ExtensionHost;
  /** The program that has it, as people call it: `Cursor`, `PyCharm 2026.2`, `Chrome`. */
  readonly program: string;
  readonly id: string;
  /** The name of its folder, where that is another than the id. */
  readonly folder: string | null;
  readonly version: string | null;
  /** The profiles that have it; `enabled` is null where the program doesn't write that down readably. Empty: the program has no profiles. */
  readonly profiles: readonly { readonly name: string; readonly enabled: boolean | null }[];
  readonly enabled: boolean | null;
  /** Browser extensions: the hosts whose pages it may read or change (`<all_urls>`, `https://*.example.com/*`). */
  readonly permissions: readonly string[];
  readonly path: string | null;
  readonly home: string | null;
};

/** A program that waits for connections. */
export type ListenerObservation = {
  readonly kind: 'listener';
  readonly port: number;
  /** Who can reach it: programs of this computer, or others on the network too. */
  readonly reach: 'loopback' | 'network';
  /** Null where the system doesn't say whose it is. */
  readonly pid: number | null;
  readonly exe: string | null;
  readonly home: string | null;
};

/** A container that the engine's local socket lists. */
export type ContainerObservation = {
  readonly kind: 'container';
  readonly engine: 'docker' | 'podman';
  /** The image's name without registry's default and without tag or digest; `tag` apart. */
  readonly image: string;
  readonly tag: string | null;
  readonly name: string | null;
  readonly running: boolean;
  readonly home: null;
};

/** A page that a browser has as an app of its own, by its host. */
export type SiteObservation = {
  readonly kind: 'site';
  readonly host: string;
  readonly program: string;
  readonly path: string | null;
  readonly home: string | null;
};

/** Something that people added to an agent: its name, never what it says. */
export type AddonFact = {
  readonly tool: string;
  readonly kind: AddonPlace['kind'];
  readonly scope: AddonPlace['scope'];
  readonly name: string;
  readonly path: string;
  readonly home: string | null;
  readonly project: string | null;
};

/** A model on this disk, by name and size in bytes. */
export type ModelFact = {
  readonly tool: string;
  readonly name: string;
  readonly bytes: number;
  readonly path: string;
  readonly home: string | null;
};

/** With which account a tool is signed in, as far as a file of its own says so. Nothing here is a secret or names a person. */
export type AccountFact = {
  readonly tool: string;
  /** An id of the family's tiers; null: it could not be read or is not known. */
  readonly tier: string | null;
  readonly organization: string | null;
  /** What follows the `@` of the account's e-mail address, in lower case. */
  readonly domain: string | null;
  /** Whether the account is a person's own; null where the file doesn't say. */
  readonly personal: boolean | null;
  /** The file that says so. */
  readonly source: string;
  readonly home: string;
  readonly uncertain: boolean;
  /** The program that has the tool built in and switched on, by the same file. */
  readonly builtInto?: string;
};

export type Observation =
  | ProcessObservation
  | WindowObservation
  | PackageObservation
  | AppObservation
  | BinaryObservation
  | ConfigObservation
  | ExtensionObservation
  | ListenerObservation
  | ContainerObservation
  | SiteObservation;

/** What is wrong with one place of the outside; becomes a `Problem` by its code. */
export type Trouble = { readonly code: string; readonly path: string | null; readonly detail?: string };

/** The clock and the randomness that everything with time in it is given. Tests pass their own. */
export type Clock = {
  now(): Date;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
};
