/** What a fake agent says: an ordinary computer, and the ones that are empty, crowded, hostile or without a policy. Names are invented or the catalog's. */
import type {
  Action,
  ApprovalRequest,
  Evidence,
  McpServer,
  PolicyInForce,
  SentPayload,
  Setting,
  Snapshot,
  Source,
  SyncStatus,
  Tier,
  Tool,
  Verdict,
  VerdictStatus,
} from '../../../electron/contract.ts';

const now = new Date();
export const minutesAgo = (minutes: number): string => new Date(now.getTime() - minutes * 60_000).toISOString();
const daysAgo = (days: number) => minutesAgo(days * 24 * 60);
const daysAhead = (days: number) => minutesAgo(-days * 24 * 60);

export function verdict(status: VerdictStatus, more: Partial<Verdict> = {}): Verdict {
  const reasons: Record<VerdictStatus, string> = {
    approved: 'Approved; you may use it with public, internal and confidential data.',
    conditional: 'Approved, under a condition.',
    'wrong-tier': 'You are signed in on Individual; Business and Enterprise are approved.',
    'tier-unknown': 'Approved on Business only, and the plan you have can’t be read.',
    pending: 'You asked for it; the answer is not there yet.',
    tolerated: 'Not recommended, not stopped.',
    unreviewed: 'Not on the list yet; ask for it or use an approved one.',
    prohibited: 'Decided against, because nobody can say where its data is stored.',
    expired: 'The approval you had has ended.',
  };
  return {
    status,
    reason: reasons[status],
    rule: null,
    clause: null,
    dataClasses: [],
    conditions: null,
    until: null,
    mode: 'warn',
    ...more,
  };
}

const business: readonly Tier[] = [
  { id: 'free', name: 'Free', trains: 'yes' },
  { id: 'individual', name: 'Individual', trains: 'opt-out' },
  { id: 'business', name: 'Business', trains: 'no' },
  { id: 'enterprise', name: 'Enterprise', trains: 'no' },
];

export function tool(id: string, name: string, category: string, more: Partial<Tool> = {}): Tool {
  const path = `~/.local/share/${id}/bin/${id}`;
  const evidence: Evidence[] = [{ kind: 'binary', path }];
  return {
    id,
    family: null,
    name,
    vendor: 'Vendor Ltd',
    category,
    confidence: 'certain',
    present: true,
    running: false,
    firstSeen: daysAgo(40),
    lastSeen: minutesAgo(6),
    surfaces: ['cli'],
    places: [
      { surface: 'cli', version: '1.4.2', path, home: '~', running: false, present: true, firstSeen: daysAgo(40), lastSeen: minutesAgo(6) },
    ],
    evidence,
    accounts: [],
    tiers: [],
    note: null,
    verdict: verdict('unreviewed'),
    ...more,
  };
}

export function server(name: string, more: Partial<McpServer> = {}): McpServer {
  return {
    id: `id-${name}`,
    client: 'claude-code',
    name,
    scope: 'user',
    project: null,
    configPath: '~/.claude.json',
    home: '~',
    enabled: true,
    transport: 'stdio',
    command: 'npx',
    args: ['-y', `@modelcontextprotocol/server-${name}`, '/tmp'],
    url: null,
    identity: { kind: 'npm', name: `@modelcontextprotocol/server-${name}`, version: null, launchHash: 'sha256:0' },
    publisher: '@modelcontextprotocol',
    pinned: false,
    autoApproved: [],
    reach: ['the folder /tmp', 'all else that you may open: it runs as you'],
    uncertain: false,
    secretNames: [],
    running: false,
    present: true,
    firstSeen: daysAgo(3),
    lastSeen: minutesAgo(6),
    risk: { score: 0, level: 'none', findings: [] },
    verdict: verdict('unreviewed'),
    ...more,
  };
}

function request(item: string, more: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    id: `request-${item}`,
    item,
    itemName: item,
    tier: null,
    dataClass: null,
    until: null,
    reason: 'Reading long documents.',
    state: 'open',
    createdAt: daysAgo(2),
    updatedAt: daysAgo(2),
    answer: null,
    added: null,
    ...more,
  };
}

export const noPolicy: PolicyInForce = {
  rev: null,
  organization: null,
  contact: null,
  helpUrl: null,
  mode: 'warn',
  dataClasses: [],
  clauses: [],
  approved: [],
  source: null,
};

export const policy: PolicyInForce = {
  rev: 12,
  organization: 'Acme',
  contact: 'ai-desk@acme.example',
  helpUrl: 'https://help.acme.example/ai',
  mode: 'warn',
  dataClasses: [
    { id: 'public', label: 'Public', examples: 'What is on our website' },
    { id: 'internal', label: 'Internal', examples: 'Plans, minutes, mail' },
    { id: 'code', label: 'Source code', examples: null },
    { id: 'confidential', label: 'Confidential', examples: 'Contracts and customers’ data' },
  ],
  clauses: [
    { id: '4.3', title: 'Source code', text: 'Source code may go only to assistants under an agreement that rules out training on it.' },
    { id: '2', title: 'Not allowed', text: 'Tools whose maker can’t say where data is stored are not used.' },
  ],
  approved: [
    {
      tool: 'claude-code',
      name: 'Claude Code',
      tiers: ['team', 'enterprise'],
      status: 'conditional',
      dataClasses: ['public', 'internal', 'code'],
      conditions: 'Only in company repositories.',
    },
    {
      tool: 'github-copilot',
      name: 'GitHub Copilot',
      tiers: ['business', 'enterprise'],
      status: 'approved',
      dataClasses: ['public', 'internal', 'code'],
      conditions: null,
    },
    { tool: 'notebooklm', name: 'NotebookLM', tiers: [], status: 'approved', dataClasses: ['public', 'internal'], conditions: null },
    {
      tool: 'deepl',
      name: 'DeepL',
      tiers: ['business'],
      status: 'approved',
      dataClasses: ['public', 'internal', 'confidential'],
      conditions: null,
    },
  ],
  source: '~/.local/share/muster/policy.json',
};

const copilot = tool('github-copilot', 'GitHub Copilot CLI', 'coding-cli', {
  vendor: 'GitHub',
  family: 'github-copilot',
  running: true,
  tiers: business,
  accounts: [
    { tier: 'individual', organization: null, personal: true, source: '~/.copilot/config.json', home: '~', verdict: verdict('wrong-tier') },
  ],
  verdict: verdict('wrong-tier', { clause: '4.3', rule: 't1', dataClasses: ['public'] }),
  evidence: [
    { kind: 'process', path: '~/.local/lib/node_modules/@github/copilot/index.js', pid: 4711, manager: 'npm', name: '@github/copilot' },
    { kind: 'package', path: '~/.local/lib/node_modules/@github/copilot', manager: 'npm', name: '@github/copilot', version: '0.0.391' },
    { kind: 'config', path: '~/.copilot' },
  ],
  places: [
    {
      surface: 'cli',
      version: '0.0.391',
      path: '~/.local/lib/node_modules/@github/copilot',
      home: '~',
      running: true,
      present: true,
      firstSeen: daysAgo(52),
      lastSeen: minutesAgo(0),
    },
  ],
});

const tools: readonly Tool[] = [
  tool('claude-code', 'Claude Code', 'coding-cli', {
    vendor: 'Anthropic',
    running: true,
    tiers: [
      { id: 'pro', name: 'Pro', trains: 'opt-out' },
      { id: 'team', name: 'Team', trains: 'no' },
      { id: 'enterprise', name: 'Enterprise', trains: 'no' },
    ],
    accounts: [
      { tier: 'team', organization: 'Acme', personal: false, source: '~/.claude.json', home: '~', verdict: verdict('conditional') },
    ],
    findings: [
      {
        id: 'bypass-permissions',
        severity: 'high',
        message: 'It runs every command without asking: ~/.claude/settings.json.',
        advice: 'Set permissions.defaultMode to “default”.',
        refs: ['ASI02'],
      },
      {
        id: 'hook-fetches',
        severity: 'medium',
        message: 'A hook fetches a program and runs it.',
        advice: 'Keep the hook’s program on this computer, where it can be reviewed.',
        refs: ['ASI05'],
      },
    ],
    verdict: verdict('conditional', {
      dataClasses: ['public', 'internal', 'code'],
      conditions: 'Only in company repositories.',
      clause: '4.3',
    }),
  }),
  copilot,
  tool('gemini-cli', 'Gemini CLI', 'coding-cli', { vendor: 'Google', verdict: verdict('pending') }),
  tool('chatgpt', 'ChatGPT', 'chat', {
    vendor: 'OpenAI',
    surfaces: ['desktop'],
    tiers: [
      { id: 'free', name: 'Free', trains: 'yes' },
      { id: 'plus', name: 'Plus', trains: 'opt-out' },
    ],
    accounts: [{ tier: 'plus', organization: null, personal: true, source: 'app', home: '~', verdict: verdict('approved') }],
    verdict: verdict('approved', {
      until: daysAhead(9),
      dataClasses: ['public', 'internal'],
      reason: 'Allowed for now, until your group has moved.',
    }),
  }),
  tool('claude-desktop', 'Claude', 'chat', {
    vendor: 'Anthropic',
    surfaces: ['desktop'],
    verdict: verdict('approved', { dataClasses: ['public', 'internal', 'code', 'confidential'] }),
  }),
  tool('deepseek', 'DeepSeek', 'chat', {
    vendor: 'DeepSeek',
    surfaces: ['desktop'],
    verdict: verdict('prohibited', { clause: '2', rule: 't2' }),
  }),
  tool('perplexity', 'Perplexity', 'chat', {
    vendor: 'Perplexity',
    confidence: 'possible',
    evidence: [{ kind: 'config', path: '~/.perplexity' }],
  }),
  tool('ollama', 'Ollama', 'local-runtime', {
    vendor: 'Ollama',
    surfaces: ['runtime'],
    verdict: verdict('tolerated', { dataClasses: ['public', 'internal'] }),
  }),
  tool('lm-studio', 'LM Studio', 'local-runtime', { vendor: 'Element Labs', surfaces: ['desktop'] }),
  tool('cursor', 'Cursor', 'ai-editor', {
    vendor: 'Anysphere',
    surfaces: ['desktop'],
    tiers: [
      { id: 'hobby', name: 'Hobby', trains: 'yes' },
      { id: 'pro', name: 'Pro', trains: 'opt-out' },
      { id: 'teams', name: 'Teams', trains: 'no' },
    ],
    evidence: [
      { kind: 'app', path: '/usr/share/cursor', manager: 'dpkg', name: 'cursor', version: '2.5.11' },
      { kind: 'binary', path: '/usr/bin/cursor' },
    ],
    note: 'Cursor is an editor too: that it is here doesn’t say that its AI is used.',
  }),
  tool('windsurf', 'Windsurf', 'ai-editor', { vendor: 'Cognition', verdict: verdict('expired', { until: daysAgo(4) }) }),
  tool('aider', 'Aider', 'coding-cli', {
    vendor: 'Aider',
    present: false,
    lastSeen: daysAgo(20),
    evidence: [{ kind: 'package', path: null, manager: 'pypi', name: 'aider-chat', version: '0.90' }],
  }),
];

const servers: readonly McpServer[] = [
  server('filesystem', {
    running: true,
    reach: ['files under /tmp', 'what the key GITHUB_TOKEN opens'],
    autoApproved: ['read_file', 'write_file'],
    secretNames: ['GITHUB_TOKEN', 'OPENAI_API_KEY'],
    risk: {
      score: 67,
      level: 'high',
      findings: [
        {
          id: 'home-write',
          severity: 'high',
          message: 'It can change every file in your home folder.',
          advice: 'Name the one folder that it needs.',
          refs: ['MCP02'],
          points: 64,
        },
        {
          id: 'unpinned-package',
          severity: 'medium',
          message: 'It starts whichever version is newest that day.',
          advice: 'Write the version after the package’s name.',
          refs: ['MCP04'],
          points: 3,
        },
      ],
    },
  }),
  // The same package in another tool, under another name and over another folder.
  server('filesystem', {
    id: 'id-files',
    name: 'files',
    client: 'vscode',
    scope: 'project',
    project: '~/code/shop',
    configPath: '~/code/shop/.vscode/mcp.json',
    args: ['-y', '@modelcontextprotocol/server-filesystem', '~/code/shop'],
    reach: ['the folder ~/code/shop', 'all else that you may open, because it runs as you'],
    identity: { kind: 'npm', name: '@modelcontextprotocol/server-filesystem', version: null, launchHash: 'sha256:2' },
    risk: { score: 34, level: 'medium', findings: [] },
  }),
  server('sentry', {
    client: 'cursor',
    scope: 'project',
    project: '~/code/shop',
    configPath: '~/code/shop/.cursor/mcp.json',
    transport: 'http',
    command: null,
    args: [],
    url: 'https://mcp.sentry.dev/mcp',
    publisher: 'mcp.sentry.dev',
    autoApproved: 'all',
    identity: { kind: 'remote', name: 'mcp.sentry.dev', version: null, launchHash: 'sha256:1' },
    risk: { score: 8, level: 'low', findings: [] },
    verdict: verdict('approved', { reason: 'Approved, as it is set up now.' }),
  }),
  server('postgres', {
    client: 'vscode',
    configPath: '~/.config/Code/User/mcp.json',
    enabled: false,
    risk: { score: 34, level: 'medium', findings: [] },
  }),
];

const requests: readonly ApprovalRequest[] = [
  request('gemini-cli', { itemName: 'Gemini CLI', reason: 'Summaries of long tickets.\nThree of us would use it.', dataClass: 'internal' }),
  request('chatgpt', {
    itemName: 'ChatGPT',
    tier: 'plus',
    state: 'approved',
    answer: 'Fine for public and internal data until your group has moved.',
    createdAt: daysAgo(30),
    updatedAt: daysAgo(24),
  }),
  request('mcp:filesystem', {
    itemName: 'filesystem',
    state: 'needs-info',
    answer: 'Which folder does it need?',
    createdAt: daysAgo(4),
    updatedAt: daysAgo(1),
  }),
];

/** An ordinary computer, with a policy. */
export function ordinary(more: Partial<Snapshot> = {}): Snapshot {
  return {
    agent: { version: '0.1.0', pid: 4000, startedAt: minutesAgo(90), dataDir: '/home/ada/.local/share/muster' },
    device: { id: '00000000-0000-4000-8000-000000000000', platform: 'linux', hostname: 'ada-laptop', user: 'ada' },
    look: { state: 'idle', at: minutesAgo(6), durationMs: 183, firstAt: daysAgo(52) },
    tools,
    mcpServers: servers,
    requests,
    problems: [],
    policy,
    sources: [
      { id: 'processes', state: 'ok', detail: 'Reads /proc every two seconds; only new programs are looked at.', lastLook: minutesAgo(0) },
      { id: 'foreground', state: 'unavailable', detail: 'Under Wayland no program may ask which window is in front.', lastLook: null },
      {
        id: 'installed',
        state: 'ok',
        detail: 'Looks through the folders of programs and the package managers’ lists.',
        lastLook: minutesAgo(6),
      },
      { id: 'configs', state: 'ok', detail: 'Watches nine named files.', lastLook: minutesAgo(6) },
    ],
    told: { inventory: daysAgo(52), 'first-run': daysAgo(52) },
    ...more,
  };
}

/** No policy, as on a computer where Muster was just put. */
export function alone(more: Partial<Snapshot> = {}): Snapshot {
  return ordinary({
    policy: noPolicy,
    requests: [],
    tools: tools.map((one) => ({
      ...one,
      verdict: verdict('unreviewed', { reason: 'Nobody has looked at it yet: there is no policy on this computer.' }),
    })),
    mcpServers: servers.map((one) => ({ ...one, verdict: verdict('unreviewed') })),
    ...more,
  });
}

/** Two hundred tools, or as many as are asked for. */
export function crowded(count = 200): Snapshot {
  const statuses: VerdictStatus[] = ['approved', 'approved', 'unreviewed', 'pending', 'approved', 'prohibited', 'tolerated'];
  const categories = ['chat', 'coding-cli', 'ai-editor', 'agent', 'writing', 'something-new'];
  return ordinary({
    tools: Array.from({ length: count }, (_, at) =>
      tool(`tool-${at}`, `Tool number ${at}`, categories[at % categories.length] ?? 'chat', {
        verdict: verdict(statuses[at % statuses.length] ?? 'approved', { dataClasses: at % 3 ? ['public', 'internal'] : [] }),
        running: at % 9 === 0,
      }),
    ),
  });
}

/** Two hundred MCP servers, some of them in several tools. */
export function manyServers(count = 200): Snapshot {
  const statuses: VerdictStatus[] = ['approved', 'unreviewed', 'approved', 'pending', 'prohibited', 'tolerated', 'approved'];
  const clients = ['claude-code', 'cursor', 'vscode', 'codex', 'gemini-cli'];
  const levels = ['none', 'low', 'medium', 'high', 'critical'] as const;
  return ordinary({
    mcpServers: Array.from({ length: count }, (_, at) => at).flatMap((at) =>
      clients.slice(0, 1 + (at % 3)).map((client) =>
        server(`server-${at}`, {
          id: `${client}-${at}`,
          client,
          enabled: at % 11 !== 0,
          present: at % 17 !== 0,
          verdict: verdict(statuses[at % statuses.length] ?? 'approved'),
          risk: { score: (at * 7) % 100, level: levels[at % levels.length] ?? 'none', findings: [] },
        }),
      ),
    ),
  });
}

const inEditor = (program: string, version: string, enabled: boolean | null) => ({
  surface: 'ide-extension' as const,
  version,
  path: `~/.${program.toLowerCase()}/extensions/github.copilot-${version}`,
  home: '~',
  running: false,
  present: true,
  firstSeen: daysAgo(40),
  lastSeen: minutesAgo(6),
  program,
  enabled,
});

const particle = 'https://www.example.com/story/what-is-trained-on/';
const personalTerms = { text: 'Prompts and the code around them may be used unless the person opts out.', source: particle };

/** An extension in two editors and a browser, two accounts with a verdict each, and what the vendor says of each plan. */
export const extension = tool('copilot-extension', 'GitHub Copilot', 'ide-extension', {
  vendor: 'GitHub',
  family: 'github-copilot',
  surfaces: ['ide-extension', 'browser-extension'],
  tiers: [
    { id: 'free', name: 'Free', trains: 'opt-out', source: particle, terms: personalTerms },
    { id: 'pro', name: 'Pro', trains: 'opt-out', source: particle, terms: personalTerms },
    { id: 'business', name: 'Business', trains: 'no', source: 'https://docs.example.com/business/data', terms: null },
    { id: 'enterprise', name: 'Enterprise', trains: 'unknown', source: null, terms: null },
  ],
  accounts: [
    { tier: 'pro', organization: null, personal: true, source: '~/.config/Code/state.vscdb', home: '~', verdict: verdict('wrong-tier') },
    {
      tier: 'business',
      organization: 'Acme',
      personal: false,
      source: '~/.config/Cursor/state.vscdb',
      home: '~',
      verdict: verdict('approved', { reason: 'You may use it.', until: daysAhead(200) }),
    },
    { tier: null, organization: null, personal: null, source: '~/.copilot/config.json', home: '~', verdict: verdict('tier-unknown') },
  ],
  places: [
    {
      ...inEditor('VS Code', '1.388.0', true),
      profiles: [
        { name: 'Default', enabled: true },
        { name: 'Customer work', enabled: false },
        { name: 'Old', enabled: null },
      ],
    },
    inEditor('Cursor', '1.372.0', null),
    {
      ...inEditor('Chrome', '2.1', false),
      surface: 'browser-extension',
      permissions: ['https://*.github.com/*', 'https://mail.example.com/*'],
    },
    { ...inEditor('Firefox', '2.1', true), surface: 'browser-extension', permissions: ['<all_urls>'] },
  ],
  evidence: [{ kind: 'extension', path: '~/.vscode/extensions/github.copilot-1.388.0', program: 'VS Code' }],
  verdict: verdict('wrong-tier', {
    reason: 'Approved only on Business or Enterprise, and this is Pro; switch or ask for approval.',
    clause: '4.3',
    reviewBy: '2031-02-01',
    assurance: { training: 'no', dpa: true, residency: 'EU', reviewedBy: 'Legal, October 2030' },
  }),
});

const addon = (
  kind: NonNullable<Tool['addons']>[number]['kind'],
  name: string,
  more: Partial<NonNullable<Tool['addons']>[number]> = {},
) => ({
  ...{ kind, name, scope: 'user' as const, path: `~/.claude/${kind}s/${name}`, home: '~', project: null },
  ...more,
});

const agentWithAddons = tool('codex', 'Codex', 'coding-cli', {
  vendor: 'OpenAI',
  surfaces: ['cli'],
  addons: [
    addon('hook', 'PostToolUse', { scope: 'project', path: '~/code/shop/.claude/settings.json', project: '~/code/shop' }),
    addon('plugin', 'release-notes'),
    ...Array.from({ length: 9 }, (_, at) => addon('skill', `skill-${at + 1}`)),
    addon('subagent', 'reviewer', { scope: 'managed', path: '/etc/claude/agents/reviewer.md' }),
    addon('instructions', 'AGENTS.md', { scope: 'local', path: '~/code/shop/AGENTS.md' }),
  ],
  verdict: verdict('approved'),
});

const runtime = tool('ollama', 'Ollama', 'local-runtime', {
  vendor: 'Ollama',
  surfaces: ['runtime'],
  running: true,
  places: [
    {
      ...inEditor('', '0.32.1', null),
      surface: 'runtime' as const,
      path: '/usr/local/bin/ollama',
      running: true,
      listens: [
        { port: 11434, reach: 'network' as const },
        { port: 8080, reach: 'loopback' as const },
      ],
    },
  ].map(({ program: _program, enabled: _enabled, ...place }) => place),
  models: [
    { name: 'llama3.2:3b', bytes: 2_019_393_189, path: '~/.ollama/models/manifests/llama3.2' },
    { name: 'qwen3-coder:30b-a3b-q4_K_M', bytes: 18_556_688_896, path: '~/.ollama/models/manifests/qwen3-coder' },
    { name: 'nomic-embed-text', bytes: 274_302_450, path: '~/.ollama/models/manifests/nomic' },
  ],
  verdict: verdict('tolerated', { dataClasses: ['public', 'internal'] }),
});

const general = tool('notion', 'Notion', 'productivity', {
  vendor: 'Notion Labs',
  surfaces: ['desktop'],
  feature: true,
  note: 'Notion is a general app; Notion AI is one of its features, so that it is here says nothing of use.',
  verdict: verdict('approved'),
});

const trace = tool('perplexity', 'Perplexity', 'chat', {
  vendor: 'Perplexity',
  surfaces: ['desktop'],
  confidence: 'possible',
  evidence: [
    { kind: 'config', path: '~/.perplexity' },
    { kind: 'listener', path: null, port: 5173 },
  ],
});

/** With every kind of thing that a tool's page can show. */
export function full(more: Partial<Snapshot> = {}): Snapshot {
  const others = tools.filter(({ id }) => !['ollama', 'perplexity'].includes(id));
  return ordinary({ tools: [...others, extension, agentWithAddons, runtime, general, trace], sources: everySource, ...more });
}

const everySource: readonly Source[] = (
  [
    ['processes', 'ok', 'Reads /proc every 15 seconds; only new programs are looked at.'],
    ['foreground', 'unavailable', 'Under Wayland no program may ask which window is in front.'],
    ['installed', 'ok', 'Looks through the folders of programs and the package managers’ lists.'],
    ['configs', 'ok', 'Watches nine named files.'],
    ['extensions', 'ok', 'Looked at 3 editors and 2 browsers.'],
    ['addons', 'ok', 'Looked at the folders of 4 agents and 2 projects.'],
    ['accounts', 'ok', 'Looked into 6 files.'],
    ['servers', 'looking', 'Looks at the ports that programs wait on.'],
    ['models', 'ok', 'Looked at 2 folders of models.'],
    ['containers', 'unavailable', 'The socket /var/run/docker.sock can’t be read by this account.'],
    ['guests', 'off', 'There is no other system here.'],
  ] as const
).map(([id, state, detail]) => ({ id, state, detail, lastLook: state === 'ok' ? minutesAgo(6) : null }));

export const settings: readonly Setting[] = [
  {
    name: 'pollSeconds',
    value: '15',
    source: 'managed',
    from: '/etc/muster/policy.d/10-acme.json',
    overrides: [
      { source: 'user', from: '~/.local/share/muster/settings.json', value: '5' },
      { source: 'default', from: null, value: '15' },
    ],
  },
  { name: 'lookMinutes', value: '15', source: 'default', from: null, overrides: [] },
  { name: 'projectFolders', value: '/home/ada/code', source: 'user', from: '~/.local/share/muster/settings.json', overrides: [] },
  { name: 'userMayChangeSettings', value: 'true', source: 'default', from: null, overrides: [] },
  { name: 'enrollSecret', value: 'set, and not shown', source: 'managed', from: '/etc/muster/policy.d/10-acme.json', overrides: [] },
  {
    name: 'policyRootKeys',
    value: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    source: 'managed',
    from: '/etc/muster/policy.d/10-acme.json',
    overrides: [],
  },
  { name: 'allowActions', value: 'disable-entry end-process', source: 'managed', from: '/etc/muster/policy.d/10-acme.json', overrides: [] },
  {
    name: 'collect',
    value: '{"usage":false,"username":"hash"}',
    source: 'managed',
    from: '/etc/muster/policy.d/10-acme.json',
    overrides: [],
  },
];

const grant = (id: string, itemName: string, more: Partial<NonNullable<PolicyInForce['grants']>[number]>) => ({
  id,
  item: id,
  itemName,
  status: 'approved' as const,
  until: daysAhead(60),
  reason: 'For the pilot of the support desk.',
  standing: 'current' as const,
  ...more,
});

const trusted = {
  ...{ roots: 'managed' as const, keySetRev: 3, state: 'current' as const },
  ...{ issuedAt: daysAgo(20), acceptedAt: daysAgo(19), expiresAt: daysAhead(70) },
};

/** A signed policy that enforces, is to be acknowledged, and gives this computer exceptions. */
export const governed: PolicyInForce = {
  ...policy,
  mode: 'enforce',
  clauses: [
    {
      ...policy.clauses[0],
      id: '4.3',
      title: 'Source code',
      text: policy.clauses[0]?.text ?? '',
      controls: ['verdict', 'notice', 'request'],
    },
    {
      id: '2',
      title: 'Approved and prohibited tools',
      text: 'Use the tools on the list.\nTools whose maker can’t say where data is stored are not used.',
      controls: ['mcp-gate', 'process-gate', 'evidence', 'acknowledge'],
      byPeople: 'The AI desk looks through all requests, every Monday.',
    },
    {
      id: '5',
      title: 'Human in the loop',
      text: 'Somebody reads what an agent did.',
      controls: [],
      byPeople: 'Team leads, in every review.',
    },
    { id: '9', title: 'Spirit', text: 'Be kind to the machines.', controls: [] },
  ],
  acknowledge: { version: '2026-11', required: true, acknowledgedAt: null },
  grants: [
    grant('windsurf', 'Windsurf', { standing: 'ended', until: daysAgo(4) }),
    grant('chatgpt', 'ChatGPT', { standing: 'ending', until: daysAhead(5) }),
    grant('mcp:postgres', 'postgres', { until: daysAhead(12), status: 'conditional' }),
    grant('notebooklm', 'NotebookLM', {}),
    grant('deepseek', 'DeepSeek', { status: 'prohibited', reason: 'Not on this computer, which holds customers’ data.' }),
  ],
  trust: {
    ...trusted,
    refused: {
      document: 'policy',
      code: 'rollback',
      reason: 'Its revision 11 is older than 12, which was in force; ask for a newer one.',
      at: daysAgo(1),
    },
  },
};

export const action = (state: Action['state'], more: Partial<Action> = {}): Action => ({
  id: `action-${state}`,
  kind: 'disable-entry',
  item: 'mcp:filesystem',
  itemName: 'filesystem',
  server: 'id-filesystem',
  rule: 'm3',
  mode: 'enforce',
  state,
  reason: 'Acme decided against it: its risk is critical.',
  why: null,
  preview: {
    path: '~/.claude.json',
    before: ['"mcpServers": {', '  "filesystem": { … },', '  "search": { … }', '}'],
    after: ['"mcpServers": {', '  "search": { … }', '}'],
  },
  endsAt: null,
  mayKeep: false,
  mayUndo: false,
  createdAt: minutesAgo(1),
  updatedAt: minutesAgo(1),
  ...more,
});

/** Each state of what Muster does by itself. */
export const actions = (): readonly Action[] => [
  action('waiting', { endsAt: new Date(Date.now() + 240_000).toISOString(), mayKeep: true }),
  action('waiting', {
    id: 'action-end',
    kind: 'end-process',
    item: 'deepseek',
    itemName: 'DeepSeek',
    server: null,
    endsAt: new Date(Date.now() + 7_200_000).toISOString(),
    preview: { path: '/opt/DeepSeek/deepseek', before: ['running'], after: ['ended'] },
  }),
  action('done', { mayUndo: true, itemName: 'files', server: 'id-files' }),
  action('failed', { why: 'The file ~/.cursor/mcp.json can’t be written; make it writable.' }),
  action('refused', { why: 'The file belongs to a project that others share, so Muster doesn’t change it; take the entry out there.' }),
  action('would', { why: 'IT hasn’t let Muster switch anything off on this computer.' }),
  action('undone'),
];

export const bidi = '\u202Egnp.exe\u202C';
export const marked = '<img src=x onerror="window.owned=1">';

/** Names, paths and arguments as an attacker or a bad luck would have them. */
export function hostile(): Snapshot {
  const long = 'Donaudampfschifffahrtsgesellschaftskapitaenswitwenrentenversicherung'.repeat(3);
  const path = `~/${'a-very-long-folder-name/'.repeat(14)}bin/tool`;
  const bad = (id: string, name: string) =>
    tool(id, name, 'chat', {
      vendor: `${marked}\u0007`,
      note: `note ${marked} \u2066${long}`,
      places: [
        {
          surface: 'browser-extension',
          version: '\u001b[31m9',
          path,
          home: '~',
          running: false,
          present: true,
          firstSeen: daysAgo(2),
          lastSeen: minutesAgo(1),
          program: `${marked}${bidi}`,
          enabled: null,
          profiles: [
            { name: long, enabled: null },
            { name: '\u0000', enabled: true },
          ],
          permissions: [`https://${long}/*`, marked, bidi],
        },
      ],
      evidence: [{ kind: 'binary', path }],
      tiers: [{ id: 'x', name: long, trains: 'unknown', source: `https://${long}`, terms: { text: marked, source: `javascript:${bidi}` } }],
      accounts: [{ tier: marked, organization: long, personal: null, source: path, home: '~', verdict: verdict('tier-unknown') }],
      addons: [{ kind: 'hook', name: `${marked}${bidi}`, scope: 'project', path, home: '~', project: path }],
      models: [{ name: long, bytes: Number.MAX_VALUE, path }],
      verdict: verdict('unreviewed', {
        reason: `${marked} ${long}`,
        assurance: { residency: long, reviewedBy: `${marked}\u0007` },
        reviewBy: marked,
        until: bidi,
      }),
    });
  return ordinary({
    tools: [
      bad('bidi', `invoice${bidi}`),
      bad('markup', marked),
      bad('long', long),
      bad('control', 'a\u0000b\u001b[2Jc\u200bd\u2028e'),
      bad('arabic', 'مساعد الذكاء الاصطناعي (beta)'),
      bad('weird/id#?&"\'', 'Odd id'),
    ],
    mcpServers: [
      server(`${long}${bidi}`, {
        id: 'weird/id#?',
        args: [marked, '', 'two words', `\u001b]0;owned\u0007${long}`],
        project: path,
        configPath: path,
        publisher: marked,
        reach: [marked, path],
        autoApproved: [bidi, long],
        uncertain: true,
        secretNames: [marked, 'A'.repeat(120)],
      }),
    ],
    requests: [request('bidi', { itemName: `invoice${bidi}`, reason: `${marked}\n${long}\u202E` })],
    policy: {
      ...governed,
      organization: `${marked}${bidi}`,
      clauses: [{ id: bidi, title: long, text: `${marked}\n${long}`, controls: [], byPeople: `${long}\u0007` }],
      acknowledge: { version: long, required: true, acknowledgedAt: null },
      grants: [grant('bidi', `${long}${bidi}`, { standing: 'ending', until: daysAhead(2), reason: marked })],
      trust: { ...trusted, refused: { document: 'policy', code: 'x', reason: `${marked}${bidi}`, at: daysAgo(1) } },
    },
    actions: [
      action('waiting', {
        itemName: long,
        reason: marked,
        preview: { path, before: [bidi, long, '\u0007'], after: [marked] },
        endsAt: bidi,
      }),
    ],
    sync: joined({ state: 'refused', collector: `${marked}${bidi}${long}`, detail: `${long} ${marked}${bidi}` }),
    settings: [{ name: marked, value: long, source: 'managed', from: path, overrides: [{ source: 'user', from: path, value: bidi }] }],
    problems: [
      {
        code: 'config-unreadable',
        severity: 'high',
        path,
        message: `${path} can’t be read ${bidi}.`,
        fix: `Make it readable: chmod u+r ${path}`,
      },
    ],
  });
}

export function empty(): Snapshot {
  return ordinary({ tools: [], mcpServers: [], requests: [] });
}

export const joined = (more: Partial<SyncStatus> = {}): SyncStatus => ({
  state: 'ok',
  collector: 'https://muster.acme.example/collect',
  lastAt: minutesAgo(25),
  nextAt: minutesAgo(-36),
  detail: null,
  ...more,
});

const payload = (seq: number, at: string, said: object, more: Partial<SentPayload> = {}): SentPayload => {
  const body = JSON.stringify({ proto: 1, epoch: '00000000-0000-4000-8000-000000000000', seq, hashAlg: 'inv1', base: null, ...said });
  return { seq, at, bytes: body.length, answered: 'acknowledged', body, isCut: false, ...more };
};
const toolItem = (id: string) => ({ kind: 'tool', tool: id, confidence: 'certain', present: true, firstSeen: daysAgo(3), places: [] });

/** One of each: what changed, nothing, the whole list, one that was given up, and one that is hostile and cut. */
export const sent = (): readonly SentPayload[] => [
  payload(7, minutesAgo(25), {
    upsert: [toolItem('cursor'), { kind: 'mcp', id: 'id-filesystem', name: 'filesystem', client: 'claude-code' }],
    requests: [{ item: 'cursor', itemName: 'Cursor', reason: 'Refactoring our pipeline code.' }],
    usage: [{ day: '2026-11-21', item: 'tool:cursor', runS: 600, frontS: 60, launches: 2 }],
    trust: { keySet: 3 },
  }),
  payload(6, daysAgo(1), {}),
  payload(5, daysAgo(4), { remove: ['tool:aider', 'mcp:id-x'] }, { answered: 'refused (seq-reused)' }),
  payload(4, daysAgo(5), { snapshot: { id: 'x', part: 1, of: 2, items: ['claude-code', 'cursor', 'ollama'].map(toolItem) } }),
  {
    ...{ seq: 3, at: daysAgo(6), bytes: 400_000, answered: null, isCut: true },
    body: `{"text":"${marked} ${bidi} ${'donaudampfschiff'.repeat(40)}`,
  },
];
