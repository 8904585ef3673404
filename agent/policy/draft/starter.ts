/**
 * The starter policy: the eight sections that a usable acceptable-use policy has, in plain words, with what backs each. No clause of it is a wish,
 * and it promises nothing that the mode `monitor` doesn't do: gates and notices are added by whoever switches them on.
 */
import type { z } from 'zod';
import type { Policy } from '../policy.ts';

type Written = z.input<typeof Policy>;

/** What has to be replaced before the policy is anybody's; `policy check` names what is left of it. */
export const PLACEHOLDER = { name: 'Your organization', contact: 'ai-desk@your-organization.example' } as const;

export const STARTER_CLASSES: NonNullable<Written['dataClasses']> = [
  { id: 'public', label: 'Public', examples: 'What is on our website, in published code or in a press release.' },
  { id: 'internal', label: 'Internal', examples: 'Plans, minutes, source code, drafts that name no customer.' },
  {
    id: 'confidential',
    label: 'Confidential and personal',
    examples: 'Customers’ data, contracts, salaries, health, anything about one person.',
  },
];

const desk = 'The AI desk';

export const STARTER_CLAUSES: NonNullable<Written['clauses']> = [
  {
    id: '1',
    title: 'Scope and definitions',
    text: 'This is for everybody who works with our data, on every computer that holds it. An AI tool is any program, extension or service in which a model writes, draws, listens or acts. An agent is a tool that acts by itself: it runs commands, changes files, calls other services. An MCP server gives a tool or an agent access to something. Muster takes stock of them on this computer and shows you all that it holds.',
    backedBy: ['verdict', 'acknowledge'],
    maps: ['iso42001:4.3', 'iso42001:A.2.2', 'iso27001:A.5.9'],
  },
  {
    id: '2',
    title: 'Approved and prohibited tools',
    text: 'Use what Muster shows as approved, on the tier and with the account that it names: the same tool may learn from what you type on one plan and not on another. What is not allowed is shown with the reason. What nobody has reviewed yet is not approved; ask for it in Muster, and somebody looks at it.',
    backedBy: ['verdict', 'request'],
    maps: ['iso42001:A.9.2', 'iso27001:A.5.10', 'soc2:CC6.8'],
  },
  {
    id: '3',
    title: 'Data classes',
    text: 'Each approved tool names the classes of data that may go in: public, internal, or confidential and personal. If you can’t tell which class something is, take the stricter one. Passwords, keys and access tokens go into no tool, whatever it is approved for.',
    backedBy: ['verdict'],
    byPeople: `${desk} names the classes of each tool when it approves one; everybody keeps to them.`,
    maps: ['iso27001:A.5.14', 'iso27001:A.8.12', 'soc2:C1.1'],
  },
  {
    id: '4',
    title: 'A person decides what an agent does',
    text: 'You answer for what an agent does in your name. Leave its questions on: it asks before it runs a command, deletes something, changes what lies outside of its project, sends anything to anybody or spends money. Read what it is about to do before you say yes. A person looks at its work before it reaches a customer or a system that customers use.',
    byPeople: `Whoever reviews a change or a document, each time; the AI desk reads every quarter which agents act without asking, as Muster shows it.`,
    maps: ['iso42001:A.9.4', 'nist-ai-rmf:GOVERN-3.2', 'nist-ai-rmf:MAP-3.5'],
  },
  {
    id: '5',
    title: 'MCP servers and other parts from outside',
    text: 'An MCP server, a plugin or a skill is somebody else’s program with your rights. Add only what Muster shows as approved, or ask first. Take it from its publisher, in a fixed version, with the smallest access that does the job, and keep keys out of its settings file. If what was approved changes, it is asked for again.',
    backedBy: ['verdict', 'request'],
    maps: ['iso42001:A.10.3', 'iso27001:A.5.19', 'owasp-mcp:MCP04', 'owasp-mcp:MCP09'],
  },
  {
    id: '6',
    title: 'What is recorded',
    text: 'Muster records which AI tools and MCP servers are on a computer, how long tools are used in a day, what is decided about them, and who asked for what. It never reads what you type, what a tool answers, or what is in your files. Decisions are kept for 400 days, and your own window shows what is held about this computer.',
    backedBy: ['evidence'],
    maps: ['iso42001:A.6.2.8', 'iso27001:A.8.15', 'iso27001:A.5.34'],
  },
  {
    id: '7',
    title: 'When something went wrong',
    text: 'Something went into a tool where it does not belong, an agent did what nobody wanted, a key was shown: stop the tool, change nothing more, and write to the address on this page the same day. Telling it early is never held against you.',
    byPeople: `${desk} answers within one working day and looks at what happened within a week.`,
    maps: ['iso42001:A.3.3', 'iso27001:A.6.8', 'soc2:CC7.4'],
  },
  {
    id: '8',
    title: 'Roles, exceptions and consequences',
    text: 'The AI desk owns this policy and decides on requests. An exception is for one tool and one purpose, has an end, and ends by itself; Muster shows when. Your manager talks with you before anything else happens; what is repeated on purpose is treated like any other breach of the rules of work.',
    backedBy: ['request', 'evidence', 'acknowledge'],
    byPeople: `${desk} reviews the policy and the exceptions twice a year.`,
    maps: ['iso42001:5.3', 'iso42001:A.3.2', 'iso42001:A.9.2', 'iso27001:A.5.36'],
  },
];

/** The policy around the clauses, before anything was seen: it records and does nothing else. */
export function starterPolicy(today: string): Written {
  return {
    schema: 'muster.policy/1',
    rev: 1,
    organization: { ...PLACEHOLDER },
    stance: 'unreviewed',
    mode: 'monitor',
    dataClasses: STARTER_CLASSES,
    tools: [],
    mcp: { stance: 'unreviewed', rules: [] },
    clauses: STARTER_CLAUSES,
    acknowledge: { version: today.slice(0, 7), required: true },
    collect: { usage: true, matchTitles: false, username: 'hash', projectPaths: false },
    retentionDays: 400,
  };
}
