/**
 * Containers, as the engine on this computer lists them to whoever may ask: Docker's and Podman's local socket, with one question that changes nothing.
 *
 * Only sockets and pipes of this computer are spoken to: an engine elsewhere (`DOCKER_HOST` with tcp or ssh) is another computer's. Of the answer the
 * image, the name and the state are taken; commands, labels and mounts may hold secrets and go no further than the parse.
 * Written from the engines' API references; seen against a server that speaks it, and not yet against Docker or Podman themselves.
 */
import { accessSync, constants, existsSync, lstatSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { later } from '../later.ts';
import { plainName } from './installed/look.ts';
import type { ContainerObservation } from './observation.ts';
import type { Os } from './os.ts';

/**
 * `unavailable` is a sentence where not one engine could be asked: none here, not running, not for this account, or an answer that makes no sense;
 * then nothing may be declared gone.
 */
export type ContainerLook = {
  readonly observations: readonly ContainerObservation[];
  readonly unavailable: string | null;
  /** There is no engine that could be asked, and nothing stands against asking one. */
  readonly none?: boolean;
};
export type ContainerObserver = { look(): Promise<ContainerLook> };

type Engine = { readonly engine: ContainerObservation['engine']; readonly socket: string };
/** `failed` is null where there is no engine after all. */
type Answer = { readonly containers: readonly ContainerObservation[] } | { readonly failed: string | null };

const mostOfAnswer = 4 * 1024 * 1024;
const mostContainers = 2000;
/** For the whole answer: an engine that is starting takes a second. */
const longestMs = 3000;

const Listed = later(() => z.object({ Image: z.string(), Names: z.array(z.string()).nullish(), State: z.string().nullish() }));

/** `timeoutMs` is for tests of engines that never answer. */
export function createContainerObserver(os: Os, { timeoutMs = longestMs }: { timeoutMs?: number } = {}): ContainerObserver {
  return {
    async look() {
      const engines = enginesOf(os);
      const answers = await Promise.all(engines.map((engine) => asked(os, engine, timeoutMs)));
      const found = new Map<string, ContainerObservation>();
      const failed = new Set<string>();
      for (const answer of answers) {
        if (!('containers' in answer)) {
          if (answer.failed !== null) failed.add(answer.failed);
          continue;
        }
        // Two sockets may lead to one engine.
        for (const one of answer.containers) found.set([one.engine, one.image, one.tag, one.name, one.running].join('\0'), one);
      }
      const isAnswered = answers.some((answer) => 'containers' in answer);
      if (isAnswered) return { observations: [...found.values()], unavailable: null };
      const why = failed.size === 0 ? 'No container engine is here, or it isn’t running.' : [...failed].join(' ');
      return { observations: [], unavailable: why, none: failed.size === 0 };
    },
  };
}

/** The sockets that are there, each once, wherever its links lead. */
function enginesOf(os: Os): Engine[] {
  if (os.platform === 'win32') {
    // Whether a pipe is there is only seen by opening it.
    return ['docker_engine', 'dockerDesktopLinuxEngine', 'podman-machine-default'].map(
      (name): Engine => ({ engine: name.startsWith('podman') ? 'podman' : 'docker', socket: `\\\\.\\pipe\\${name}` }),
    );
  }
  const home = os.user.home;
  const runtime = os.env['XDG_RUNTIME_DIR'] || (os.user.uid === null ? null : os.at(`/run/user/${os.user.uid}`));
  const named = /^unix:\/\/(\/.*)$/.exec(os.env['DOCKER_HOST'] ?? '')?.[1];
  const docker = [
    named,
    os.at('/var/run/docker.sock'),
    ...(runtime ? [path.join(runtime, 'docker.sock')] : []),
    ...(home
      ? ['.docker/run', '.docker/desktop', '.orbstack/run', '.rd', '.colima/default'].map((at) => path.join(home, at, 'docker.sock'))
      : []),
  ];
  const podman = [os.at('/run/podman/podman.sock'), ...(runtime ? [path.join(runtime, 'podman/podman.sock')] : [])];
  const all = [
    ...docker.map((socket) => ({ engine: 'docker' as const, socket })),
    ...podman.map((socket) => ({ engine: 'podman' as const, socket })),
  ];
  const seen = new Set<string>();
  return all.filter((one): one is Engine => {
    const key = one.socket === undefined ? null : identity(one.socket);
    return key !== null && !seen.has(key) && Boolean(seen.add(key));
  });
}

/** Null where there is no socket. */
function identity(file: string): string | null {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats?.isSocket() ? `${stats.dev}:${stats.ino}` : null;
  } catch (error) {
    // A folder that we may not enter: the socket in it is there as far as we know, and asking it says so. A name with a zero is no path.
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? file : null;
  }
}

/** systemd may keep the engine's socket while the engine doesn't run: connecting would start it, and Muster starts nothing. */
function wouldStart(os: Os, { engine, socket }: Engine): boolean {
  // Links that lead to a number and to no file; one for each unit that is active.
  const isActive = (unit: string) => lstatSync(os.at(`/run/systemd/units/invocation:${unit}`), { throwIfNoEntry: false }) !== undefined;
  return (
    engine === 'docker' &&
    socket === os.at('/var/run/docker.sock') &&
    isActive('docker.socket') &&
    !isActive('docker.service') &&
    !existsSync(os.at('/run/docker.pid'))
  );
}

async function asked(os: Os, engine: Engine, timeoutMs: number): Promise<Answer> {
  const name = engine.engine === 'docker' ? 'Docker' : 'Podman';
  const refused = {
    failed: `${name} is here, but your account may not ask it; which containers there are isn’t known.`,
  };
  if (wouldStart(os, engine)) return { failed: `${name} is here and isn’t running.` };
  if (os.platform !== 'win32') {
    try {
      accessSync(engine.socket, constants.R_OK | constants.W_OK);
    } catch {
      return refused;
    }
  }
  try {
    const { body, server } = await get(engine.socket, timeoutMs);
    // Podman answers on Docker's socket too, where people have linked it there.
    return { containers: parseContainers(body, /libpod/i.test(server) ? 'podman' : engine.engine) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null;
    if (code === 'EACCES' || code === 'EPERM') return refused;
    if (code === 'ENOENT') return { failed: null };
    if (code === 'ECONNREFUSED') return { failed: `${name} is here and isn’t running.` };
    return {
      failed: `${name} gave no list of its containers (${error instanceof Unanswered ? error.message : (code ?? 'no sense in the answer')}).`,
    };
  }
}

/** What an engine did instead of answering, in our words. */
class Unanswered extends Error {}

/** One GET over a local socket: the answer's text, of at most 4 MiB, within the time. Redirects are not followed. */
async function get(socketPath: string, timeoutMs: number): Promise<{ body: string; server: string }> {
  // Where there is no engine to ask it isn't loaded.
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const question = request({ socketPath, path: '/containers/json?all=1', headers: { host: 'localhost' }, agent: false }, (answer) => {
      if (answer.statusCode !== 200) return void question.destroy(new Unanswered(`it answered ${answer.statusCode}`));
      const parts: Buffer[] = [];
      let length = 0;
      answer.on('data', (part: Buffer) => {
        length += part.length;
        if (length > mostOfAnswer) question.destroy(new Unanswered(`more than ${mostOfAnswer / 1024 / 1024} MiB`));
        else parts.push(part);
      });
      answer.on('end', () => resolve({ body: Buffer.concat(parts).toString(), server: String(answer.headers['server'] ?? '') }));
      answer.on('error', reject);
    });
    // For the whole of it, since an answer may drip for ever.
    const timer = setTimeout(() => question.destroy(new Unanswered(`nothing within ${timeoutMs / 1000} s`)), timeoutMs);
    question.on('close', () => clearTimeout(timer));
    question.on('error', reject);
    question.end();
  });
}

/** The containers of an answer; entries of another form are passed over. Throws for what is no list. */
export function parseContainers(body: string, engine: ContainerObservation['engine']): ContainerObservation[] {
  const listed: unknown = JSON.parse(body);
  if (!Array.isArray(listed)) throw new TypeError('no list');
  return listed.slice(0, mostContainers).flatMap((one): ContainerObservation[] => {
    const parsed = Listed().safeParse(one);
    const image = parsed.success ? splitImage(parsed.data.Image) : null;
    if (!parsed.success || image === null) return [];
    const name = plainName(parsed.data.Names?.[0]?.replace(/^\//, ''));
    return [{ kind: 'container', engine, ...image, name, running: parsed.data.State === 'running', home: null }];
  });
}

/**
 * `docker.io/ollama/ollama:latest@sha256:…` → `ollama/ollama` and `latest`; Docker's own registry and `library/` are left out. Null for a bare digest,
 * which is how an image is called that has lost its name, and for what is no image's name.
 */
export function splitImage(written: string): { image: string; tag: string | null } | null {
  if (written.length > 500) return null;
  const [named = ''] = written.split('@');
  const match = /^([A-Za-z0-9][A-Za-z0-9._/-]*(?::\d{1,5}\/[A-Za-z0-9._/-]+)?)(?::([\w][\w.-]{0,127}))?$/.exec(named);
  const image = match?.[1]
    ?.toLowerCase()
    .replace(/^(?:index\.|registry-1\.)?docker\.io\//, '')
    .replace(/^library\//, '');
  // `sha256:…`, and the first digits of one.
  if (!image || image === 'sha256' || /^[0-9a-f]{12}$|^[0-9a-f]{64}$/.test(image)) return null;
  return { image, tag: match?.[2] ?? null };
}
