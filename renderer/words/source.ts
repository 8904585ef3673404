/** Each thing that Muster looks at: why, what is kept, and what is never read. True of this version; change it with the observer. */
import type { Source } from '../../electron/contract.ts';

export type SourceWords = {
  readonly name: string;
  readonly why: string;
  /** As it stands after “Still looking in”. */
  readonly place: string;
  readonly kept: string;
  readonly never: string;
};

const words: Readonly<Record<Source['id'], SourceWords>> = {
  processes: {
    name: 'Programs that run',
    why: 'Which AI tools are in use',
    place: 'the programs that run',
    kept: 'The AI tool, the path of its program, for how long it ran in a day, and how often it was started',
    never: 'What happens inside a program. What was typed to start one is compared while it runs, and never written down',
  },
  foreground: {
    name: 'The program in front',
    why: 'Open isn’t the same as used',
    place: 'the program in front',
    kept: 'For how long an AI tool was in front in a day',
    never:
      'The screen, and what you type. Titles of windows aren’t read, unless your organization has a browser’s compared with AI sites’ names',
  },
  installed: {
    name: 'Installed programs',
    why: 'Which AI tools are here',
    place: 'the installed programs',
    kept: 'Name, version, place, how it was installed, and folders that an AI tool has made',
    never: 'Documents, and what apps store for you. Other programs are passed over',
  },
  configs: {
    name: 'MCP servers and agents’ settings',
    why: 'What AI tools are connected to, and what they may do unasked',
    place: 'the settings of AI tools',
    kept: 'Server, command, address, project folder, and the names of its keys; of an agent’s settings, what is risky in them',
    never: 'What passes through a server, and your other files. The values of keys are blanked as the file is read',
  },
  extensions: {
    name: 'Extensions of editors and browsers',
    why: 'AI that lives inside another program',
    place: 'the extensions of editors and browsers',
    kept: 'The AI extension, its version, where it is switched on, and which sites a browser’s may read',
    never: 'What you wrote or browsed. Other extensions are passed over',
  },
  addons: {
    name: 'What agents were given',
    why: 'Skills, hooks and plugins change what an agent does',
    place: 'what agents were given',
    kept: 'The kind, the name and the place of each',
    never: 'What stands in them',
  },
  accounts: {
    name: 'Accounts and plans',
    why: 'The same tool is allowed on one plan and not on another',
    place: 'the accounts of AI tools',
    kept: 'The plan, the organization’s name, and the part of the address behind the @',
    never: 'Names and addresses of people. Keys and passwords that stand beside them are dropped as the file is read',
  },
  servers: {
    name: 'Local servers',
    why: 'Which AI on this computer others can reach',
    place: 'the programs that wait for connections',
    kept: 'The port of an AI tool, and whether it is open to the network',
    never: 'What is sent. Nothing is connected to',
  },
  models: {
    name: 'Models',
    why: 'What runs here without anybody’s service',
    place: 'the models on this disk',
    kept: 'Name, size and place',
    never: 'The models themselves. None is opened',
  },
  containers: {
    name: 'Containers',
    why: 'AI tools that run in a container',
    place: 'the containers',
    kept: 'The image of an AI tool, its version, and whether it runs',
    never: 'What is inside, its settings and its files',
  },
  guests: {
    name: 'Systems inside this one',
    why: 'So that you know what isn’t looked at',
    place: 'the systems inside this one',
    kept: 'The AI extensions that a project’s dev container asks for',
    never: 'What is inside them. None is started',
  },
};

export const sourceWords = (id: Source['id']): SourceWords => words[id];

export const sourceState: Readonly<Record<Source['state'], string>> = {
  ok: 'On',
  looking: 'Looking',
  unavailable: 'Not possible here',
  off: 'Off',
};
