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
    never: 'The screen, what you type, and the titles of windows',
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
};

export const sourceWords = (id: Source['id']): SourceWords => words[id];

export const sourceState: Readonly<Record<Source['state'], string>> = {
  ok: 'On',
  looking: 'Looking',
  unavailable: 'Not possible here',
  off: 'Off',
};
