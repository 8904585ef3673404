/**
 * The product's words: what the agent knows, what a window may ask of the agent, and what it may ask of the shell.
 *
 * This file imports nothing. Everything in a `Snapshot` is safe to show, to store and to send: names, kinds, counts and times, never a
 * value of a secret, a prompt or the content of a file. Times are ISO 8601 in UTC; paths under a home folder are written `~/…`.
 *
 * It is one long file because it is one vocabulary: types alone, each named in a `Snapshot` or in a call below, and read by whoever asks "what can a
 * window know?". That this one file is all that agent, shell and window have in common is what the architecture test holds.
 */

export type Platform = 'darwin' | 'linux' | 'win32';

/** Where a tool was met. */
export type Surface = 'desktop' | 'cli' | 'ide-extension' | 'browser' | 'browser-extension' | 'runtime' | 'agent';

/** How sure the row is: `certain` names itself, `likely` has a telling name, `possible` is two weak traces. */
export type Confidence = 'certain' | 'likely' | 'possible';

export type VerdictStatus =
  | 'approved'
  | 'conditional'
  | 'wrong-tier'
  | 'tier-unknown'
  | 'pending'
  | 'tolerated'
  | 'unreviewed'
  | 'prohibited'
  | 'expired';

/** What the organization does about a tool: record only, tell the employee, or act. */
export type Mode = 'monitor' | 'warn' | 'enforce';

/** What was found out about a tool before it was allowed, in the policy's words; a field that is absent was not said. */
export type Assurance = {
  /** Whether the vendor trains on what goes in. */
  readonly training?: 'yes' | 'no' | 'opt-out' | 'unknown';
  /** Whether there is a data processing agreement. */
  readonly dpa?: boolean;
  /** Where the data is kept. */
  readonly residency?: string;
  /** Which role looked at it, and when. */
  readonly reviewedBy?: string;
};

export type Verdict = {
  readonly status: VerdictStatus;
  /** One plain sentence for the employee. */
  readonly reason: string;
  /** The policy rule or grant that decided, or null where the stance did. */
  readonly rule: string | null;
  readonly clause: string | null;
  /** Ids of the policy's data classes that may go in; empty where nothing is said. */
  readonly dataClasses: readonly string[];
  readonly conditions: string | null;
  /** When this verdict ends by itself. */
  readonly until: string | null;
  readonly mode: Mode;
  /** Absent where the rule says nothing of it. */
  readonly assurance?: Assurance;
  /** The day (`2027-02-01`) by which the policy's owner looks at the rule again; it ends nothing. */
  readonly reviewBy?: string;
};

/** Why a row exists. Strongest first in a tool's list. */
export type Evidence = {
  readonly kind:
    | 'process'
    | 'window'
    | 'package'
    | 'app'
    | 'binary'
    | 'config'
    | 'extension'
    | 'listener'
    | 'container'
    | 'site'
    | 'account';
  readonly path: string | null;
  readonly pid?: number;
  /** npm, pnpm, bun, pipx, uv, brew, cask, snap, flatpak, dpkg, msix, uninstall… */
  readonly manager?: string;
  readonly name?: string;
  readonly version?: string | null;
  /** The editor or browser that has the extension, the engine that has the container. */
  readonly program?: string;
  readonly port?: number;
};

/** One installation or appearance of a tool. */
export type Place = {
  readonly surface: Surface;
  /** Null when it can't be known without running the tool. */
  readonly version: string | null;
  readonly path: string | null;
  readonly home: string | null;
  readonly running: boolean;
  /** False once it was there and no longer is: history is kept. */
  readonly present: boolean;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** An extension: the program that has it, whether it is on there (null: not known), in which profiles, and which pages it may read. */
  readonly program?: string;
  readonly enabled?: boolean | null;
  readonly profiles?: readonly { readonly name: string; readonly enabled: boolean | null }[];
  readonly permissions?: readonly string[];
  /** A local server: where it listens now. */
  readonly listens?: readonly { readonly port: number; readonly reach: 'loopback' | 'network' }[];
};

/** An account the tool is signed in with, as far as a file of the tool says so. It never names a person. */
export type Account = {
  readonly tier: string | null;
  readonly organization: string | null;
  readonly personal: boolean | null;
  readonly source: string;
  readonly home: string;
  readonly verdict: Verdict;
};

/** Something that people added to an agent, by its name. */
export type Addon = {
  readonly kind: 'skill' | 'hook' | 'plugin' | 'subagent' | 'command' | 'instructions';
  readonly name: string;
  readonly scope: 'user' | 'project' | 'local' | 'plugin' | 'managed' | 'system';
  readonly path: string;
  readonly home: string | null;
  readonly project: string | null;
};

/** A model on this computer's disk. */
export type Model = { readonly name: string; readonly bytes: number; readonly path: string };

/** A vendor's licence tier and what the vendor does with the data that goes in. */
export type Tier = {
  readonly id: string;
  readonly name: string;
  readonly trains: 'yes' | 'no' | 'opt-out' | 'unknown';
  /** Where that is said, and what else the vendor says it does with the data; null where nobody has found out. */
  readonly source?: string | null;
  readonly terms?: { readonly text: string; readonly source: string } | null;
};

export type Tool = {
  readonly id: string;
  readonly family: string | null;
  readonly name: string;
  readonly vendor: string;
  readonly category: string;
  readonly confidence: Confidence;
  readonly present: boolean;
  readonly running: boolean;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly surfaces: readonly Surface[];
  readonly places: readonly Place[];
  readonly evidence: readonly Evidence[];
  readonly accounts: readonly Account[];
  readonly tiers: readonly Tier[];
  /** True where AI is one feature of a general program ("presence is not use"). */
  readonly feature?: boolean;
  readonly note: string | null;
  /** Skills, hooks, plugins and the like; absent or empty where there are none. */
  readonly addons?: readonly Addon[];
  readonly models?: readonly Model[];
  /** What its own settings allow it, worst first; absent where nothing was read of them. */
  readonly findings?: readonly Finding[];
  readonly verdict: Verdict;
};

export type Severity = 'low' | 'medium' | 'high' | 'critical';

export type Finding = {
  readonly id: string;
  readonly severity: Severity;
  readonly message: string;
  readonly advice: string;
  readonly refs: readonly string[];
  /** What it adds to the score of all findings together; they add up to the score, unless the worst one's band ends it. */
  readonly points?: number;
};

export type Risk = {
  /** 0–100, higher is worse. */
  readonly score: number;
  readonly level: 'none' | Severity;
  readonly findings: readonly Finding[];
};

export type McpScope = 'user' | 'project' | 'local' | 'plugin' | 'profile' | 'managed' | 'system';
export type McpTransport = 'stdio' | 'http' | 'sse' | 'ws';

export type McpIdentity = {
  readonly kind: 'npm' | 'pypi' | 'oci' | 'go' | 'remote' | 'script' | 'binary' | 'unknown';
  readonly name: string;
  readonly version: string | null;
  readonly launchHash: string;
};

export type McpServer = {
  /** Stable for one entry in one place: hash of client, scope, project, path and name. */
  readonly id: string;
  readonly client: string;
  readonly name: string;
  readonly scope: McpScope;
  readonly project: string | null;
  readonly configPath: string;
  readonly home: string | null;
  readonly enabled: boolean;
  readonly transport: McpTransport;
  readonly command: string | null;
  readonly args: readonly string[];
  readonly url: string | null;
  readonly identity: McpIdentity;
  /** Who answers for what runs: an npm scope (`@scope`), an owner (`github.com/owner`), a registry's namespace (`ghcr.io/owner`), a remote's host; else null. */
  readonly publisher: string | null;
  /** False where the next start may run something else though the entry stays as it is: no exact version, an image by tag, a remote server. */
  readonly pinned: boolean;
  /** Names of the tools that the client runs without asking; `all` where it asks for none. */
  readonly autoApproved: readonly string[] | 'all';
  /** What it may reach, in words made from the entry alone, most telling first; see `agent/mcp/reach.ts`. */
  readonly reach: readonly string[];
  /** True where no source that could be checked confirms that the client reads this file. */
  readonly uncertain: boolean;
  readonly secretNames: readonly string[];
  readonly running: boolean;
  readonly present: boolean;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly risk: Risk;
  readonly verdict: Verdict;
};

export type RequestState = 'open' | 'approved' | 'denied' | 'needs-info' | 'withdrawn' | 'expired';

export type ApprovalRequest = {
  /** UUIDv7. */
  readonly id: string;
  /** A tool's id, or `mcp:` and an MCP server's name. */
  readonly item: string;
  readonly itemName: string;
  readonly tier: string | null;
  readonly dataClass: string | null;
  readonly until: string | null;
  readonly reason: string;
  readonly state: RequestState;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** IT's words, where IT has said something. */
  readonly answer: string | null;
  /** What the employee added when asked for more. */
  readonly added: string | null;
  /** Why it ended where nobody's answer says it: it was open for too long, or the day it was for has passed. */
  readonly why?: string;
};

export type RequestInput = {
  readonly item: string;
  readonly reason: string;
  readonly tier?: string | null;
  readonly dataClass?: string | null;
  readonly until?: string | null;
};

/** Something in the world that is wrong, with what mends it. Declared in `agent/problems.ts`. */
export type Problem = {
  readonly code: string;
  readonly severity: 'low' | 'medium' | 'high';
  readonly path: string | null;
  readonly message: string;
  readonly fix: string;
};

export type DataClass = { readonly id: string; readonly label: string; readonly examples: string | null };

/** What Muster itself does for a clause; what each is, stands in `agent/policy/README.md`. */
export type Control = 'verdict' | 'request' | 'notice' | 'mcp-gate' | 'process-gate' | 'evidence' | 'acknowledge';

/** A clause, and what makes it hold on this computer. Neither a control nor people: it is a wish. */
export type Clause = {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** Those that are real here, in this build, this policy's mode and these managed settings. Absent: not told by this agent. */
  readonly controls?: readonly Control[];
  /** Who sees to it and how often, where people do. */
  readonly byPeople?: string;
};

/** What is granted to this device beyond the policy, as the employee is told of it. */
export type GrantInForce = {
  readonly id: string;
  /** A tool's or family's id, or `mcp:` and what was granted. */
  readonly item: string;
  readonly itemName: string;
  readonly status: 'approved' | 'conditional' | 'prohibited' | 'tolerated';
  readonly until: string;
  readonly reason: string;
  /** `ending`: it ends within a week; `ended`: it has, and the tool is back to what the policy says without it. */
  readonly standing: 'current' | 'ending' | 'ended';
};

/** How far the policy in force is proven. */
export type PolicyTrust = {
  /** Whose root keys prove it: those of the managed settings, or those that were pinned when this computer joined. */
  readonly roots: 'managed' | 'pinned';
  readonly keySetRev: number | null;
  /** `none`: nothing that is proven has come yet. `expired`, `withdrawn` (its key was): it stays in force until a newer one comes. */
  readonly state: 'none' | 'current' | 'expired' | 'withdrawn';
  readonly issuedAt: string | null;
  readonly acceptedAt: string | null;
  readonly expiresAt: string | null;
  /** The last document that was refused since the agent started; `reason` is one sentence. */
  readonly refused: {
    readonly document: 'keySet' | 'policy' | 'grants';
    readonly code: string;
    readonly reason: string;
    readonly at: string;
  } | null;
};

/** One setting: what holds, who said so, and what that overrode. The value of a secret is never in it. */
export type Setting = {
  readonly name: string;
  /** As text for people. */
  readonly value: string;
  readonly source: 'default' | 'user' | 'managed';
  /** The file or registry key; null for a default. */
  readonly from: string | null;
  /** From the one that would hold next, to the default. */
  readonly overrides: readonly { readonly source: 'default' | 'user' | 'managed'; readonly from: string | null; readonly value: string }[];
};

export type PolicyInForce = {
  /** Null: there is no policy, everything is `unreviewed`, the mode is `warn`. */
  readonly rev: number | null;
  readonly organization: string | null;
  readonly contact: string | null;
  readonly helpUrl: string | null;
  readonly mode: Mode;
  readonly dataClasses: readonly DataClass[];
  /** The text of the clauses, in the policy's order. */
  readonly clauses: readonly Clause[];
  /** What the policy approves, also where it isn't on this computer. */
  readonly approved: readonly {
    readonly tool: string;
    readonly name: string;
    readonly tiers: readonly string[];
    readonly status: 'approved' | 'conditional';
    readonly dataClasses: readonly string[];
    readonly conditions: string | null;
  }[];
  readonly source: string | null;
  /** In order of their ends. Absent: there are none. */
  readonly grants?: readonly GrantInForce[];
  /** The version that the employee is asked to acknowledge, and when they did; absent where the policy asks for none. */
  readonly acknowledge?: { readonly version: string; readonly required: boolean; readonly acknowledgedAt: string | null };
  /** Absent: no root key is known, and a plain file counts. */
  readonly trust?: PolicyTrust;
};

/** What Muster does by itself outside of its own data, where a rule in the mode `enforce` and the managed settings both say so. */
export type ActionKind = 'disable-entry' | 'end-process';

export type Action = {
  readonly id: string;
  readonly kind: ActionKind;
  /** A tool's id, or `mcp:` and an MCP server's name. */
  readonly item: string;
  readonly itemName: string;
  /** The id of the MCP server whose entry is switched off; null for a program. */
  readonly server: string | null;
  readonly rule: string;
  readonly mode: Mode;
  /**
   * `would`: the mode or the managed settings keep Muster from it; nothing happens. `waiting`: it happens at `endsAt`. `refused`: Muster leaves
   * this alone, and `why` says for which reason. `failed`: it was tried; it is tried again.
   */
  readonly state: 'would' | 'waiting' | 'done' | 'undone' | 'failed' | 'refused';
  /** The verdict's sentence. */
  readonly reason: string;
  readonly why: string | null;
  /** What changes: the file or program, and the words that differ. Never a value of the file. */
  readonly preview: { readonly path: string | null; readonly before: readonly string[]; readonly after: readonly string[] };
  readonly endsAt: string | null;
  /** Whether it can be put off for a day, and whether it can be taken back. */
  readonly mayKeep: boolean;
  readonly mayUndo: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
};

/** One thing that Muster looks at, and how that is going: the words of "What Muster sees". */
export type Source = {
  readonly id:
    | 'processes'
    | 'foreground'
    | 'installed'
    | 'configs'
    | 'extensions'
    | 'addons'
    | 'accounts'
    | 'servers'
    | 'models'
    | 'containers'
    | 'guests';
  readonly state: 'ok' | 'looking' | 'unavailable' | 'off';
  /** What it reads here, or why it can't, in one sentence. */
  readonly detail: string;
  readonly lastLook: string | null;
};

export type Device = {
  readonly id: string;
  readonly platform: Platform;
  readonly hostname: string;
  readonly user: string;
};

/** Everything a window, the tray and a notification need; replaced by whole slices. */
export type Snapshot = {
  readonly agent: { readonly version: string; readonly pid: number; readonly startedAt: string; readonly dataDir: string };
  readonly device: Device;
  readonly look: {
    readonly state: 'looking' | 'idle';
    /** When the last whole look ended; null before the first. */
    readonly at: string | null;
    readonly durationMs: number | null;
    /** The end of the very first look on this computer: what was there before it is not "new". */
    readonly firstAt: string | null;
  };
  readonly tools: readonly Tool[];
  readonly mcpServers: readonly McpServer[];
  readonly requests: readonly ApprovalRequest[];
  readonly problems: readonly Problem[];
  readonly policy: PolicyInForce;
  readonly sources: readonly Source[];
  /** Absent: not told by this agent. */
  readonly settings?: readonly Setting[];
  /** What Muster does by itself, the newest first; what is over stays for a week. Absent: not told by this agent. */
  readonly actions?: readonly Action[];
  /** Absent: not told by this agent. */
  readonly sync?: SyncStatus;
  /** What the employee has been told: `inventory`, `first-run`, a tool's id, `grant-ending:` or `grant-ended:` and a grant's → when. Kept by the agent, so a restart tells nothing twice. */
  readonly told: Readonly<Record<string, string>>;
};

/** How it stands with the collector. */
export type SyncStatus = {
  /**
   * `off`: this computer belongs to none. `joining`: not enrolled yet. `pending`: an administrator has to approve it. `unreachable`, `refused` and
   * `offline` change nothing here; `detail` says why in one sentence.
   */
  readonly state: 'off' | 'joining' | 'pending' | 'ok' | 'unreachable' | 'refused' | 'offline';
  /** Its address. */
  readonly collector: string | null;
  /** The last check-in that was acknowledged, and when the next one is due; null: none, or it isn't known. */
  readonly lastAt: string | null;
  readonly nextAt: string | null;
  readonly detail: string | null;
};

/** One check-in as it left this computer. */
export type SentPayload = {
  readonly seq: number;
  readonly at: string;
  /** As sent, packed where it was. */
  readonly bytes: number;
  /** `acknowledged`, or why it was given up; null: it waits for its answer. */
  readonly answered: string | null;
  /** JSON, byte for byte; cut where it is very long. */
  readonly body: string;
  readonly isCut: boolean;
};

/** The answer of `muster scan` and `muster status`; its shape is a contract with IT's scripts. */
export type Inventory = {
  readonly schema: 'muster.inventory/1';
  readonly device: Device;
  readonly startedAt: string;
  readonly durationMs: number;
  /** True when a source could not be looked at or the look was cut short. */
  readonly partial: boolean;
  readonly tools: readonly Tool[];
  readonly mcpServers: readonly McpServer[];
  readonly problems: readonly Problem[];
};

export type ScanOptions = {
  /** Absolute home folders to look at instead of the agent's own. */
  readonly homes?: readonly string[];
  /** The text of a policy file that is used for this answer only. */
  readonly policy?: { readonly path: string; readonly text: string };
};

/**
 * What any local client (a window, the tray, the command line) may ask of the agent.
 * A refused call rejects with an `Error` whose `code` is one of `ErrorCode` and whose message names the thing and the remedy.
 */
export type AgentApi = {
  /** Looks at everything once, records it and answers with the inventory. */
  scan(options?: ScanOptions): Promise<Inventory>;
  /** Asks for approval; refused (`duplicate`) while one for the same item and tier is open. */
  request(input: RequestInput): Promise<ApprovalRequest>;
  withdraw(id: string): Promise<ApprovalRequest>;
  answer(id: string, text: string): Promise<ApprovalRequest>;
  /** The employee has read this version of the policy; refused (`wrong-state`) where it isn't the one in force. Resolves with when they did. */
  acknowledge(version: string): Promise<{ readonly version: string; readonly acknowledgedAt: string }>;
  /** Does now what waits for its countdown. Each of these three is refused with `unknown-item` or `wrong-state`. */
  actNow(id: string): Promise<Action>;
  /** Puts off for a day, once, what waits. */
  keepForToday(id: string): Promise<Action>;
  /** Takes back what was done: the file is as it was, or has the entry again. The rule acts on it again only after the policy or the entry has changed. */
  undo(id: string): Promise<Action>;
  /** Remembers that the employee was told of these (`inventory`, `first-run`, tool ids, `grant-ending:` or `grant-ended:` and a grant's id). */
  told(items: readonly string[]): Promise<void>;
  /** One check-in now; resolves with how it went, refused with `collector` where the collector refused or could not be reached. */
  syncNow(): Promise<SyncStatus>;
  /** The last 30 check-ins, the newest first. */
  sentPayloads(): Promise<readonly SentPayload[]>;
  /** Joins a collector by hand; `rootKeys` as a file holds them. The secret is handed on and kept nowhere. Refused with `collector` or `wrong-state`. */
  enroll(input: { readonly url: string; readonly secret: string; readonly rootKeys?: string }): Promise<SyncStatus>;
  /** Ends the agent in good order. */
  stop(): Promise<void>;
};

export type ErrorCode =
  | 'usage'
  | 'unknown-item'
  | 'duplicate'
  | 'unknown-request'
  | 'wrong-state'
  | 'policy-invalid'
  | 'collector'
  | 'not-owner'
  | 'database'
  | 'bug';

/** The only event, on every connection: the full state first, whole slices after. */
export type AgentEvents = { changed: Partial<Snapshot> };

/** What a window knows of the agent's process. */
export type AgentLink = {
  readonly state: 'starting' | 'up' | 'restarting' | 'failed';
  readonly detail: string | null;
  readonly retryAt: string | null;
};

/**
 * What the agent asks of whoever started it with `--through-parent`, over its standard input and output: one POST to the collector, by Chromium's network.
 * `body` is base64. Rejects with the code `unreachable` and the reason as message.
 */
export type NetworkApi = {
  post(sending: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string }): Promise<{
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }>;
};

export type View = 'home' | 'approved' | 'policy' | 'servers' | 'requests' | 'sees' | 'sent';

/** What a window may ask of the shell (main); everything else goes to the agent. */
export type ShellApi = {
  /** The state of the agent's process now; later ones come by `onLink`. */
  link(): Promise<AgentLink>;
  restartAgent(): Promise<void>;
  /** Opens the policy's help address in the browser; the shell takes the address from the policy, never from the window. */
  openHelp(): Promise<void>;
  about(): Promise<{ readonly version: string; readonly electron: string; readonly chrome: string; readonly platform: Platform }>;
};

/**
 * How a refused call reaches a window: a plain object, because an `Error` loses its `code` on the way through Electron's context bridge.
 * `closed` means that the agent isn't there just now; `link` says what is being done about it.
 */
export type Refusal = { readonly code: ErrorCode | 'closed'; readonly message: string };

/**
 * `window.agent`, given by the preload. Calls reject with a `Refusal`. Handlers are taken off by calling what the subscription returns
 * (an `AbortSignal` doesn't survive the context bridge). A window can neither end the agent nor silence notifications nor join a collector.
 */
export type WindowAgent = Omit<AgentApi, 'told' | 'stop' | 'enroll'> & {
  /** The employee has read what Muster reads and never reads; the agent keeps it in `told` as `first-run`. */
  welcomed(): Promise<void>;
  /** The full state comes first, also after the agent was restarted, then whole slices. */
  onChanged(handler: (slices: Partial<Snapshot>) => void): () => void;
};

/** `window.shell`, given by the preload. */
export type WindowShell = ShellApi & {
  onLink(handler: (link: AgentLink) => void): () => void;
  /** The tray or a notification asks the window to show something; one that came before there was a handler is told to the first. */
  onShow(handler: (view: View, tool: string | null) => void): () => void;
};
