/**
 * The signer as a process: `node collector/signer/main.ts --data DIR --socket PATH --audience NAME [--socket-group GID] [--with-parent]`.
 *
 * Started under an account of its own, with `--socket-group` naming the group of the collector's account, nobody else can read the keys and only that
 * group can ask. With `--with-parent` it ends when its standard input does.
 */
import { chmodSync, chownSync, existsSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { readLines, writeLine } from './lines.ts';
import { Question, type Signer, SignerError } from './protocol.ts';
import { openSigner } from './signer.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    socket: { type: 'string' },
    audience: { type: 'string' },
    'socket-group': { type: 'string' },
    'with-parent': { type: 'boolean' },
  },
});

async function answer(signer: Signer, asked: unknown): Promise<unknown> {
  const read = Question.safeParse(asked);
  if (!read.success) {
    const { id } = (asked ?? {}) as { id?: unknown };
    return { id: typeof id === 'number' ? id : 0, refused: { code: 'not-understood', reason: 'The signer knows no such question.' } };
  }
  const question = read.data;
  try {
    if (question.do === 'identity') return { id: question.id, value: await signer.identity() };
    if (question.do === 'policy') return { id: question.id, value: await signer.policy(question.text, question.after) };
    return { id: question.id, value: await signer.grants(question.lists) };
  } catch (error) {
    if (error instanceof SignerError) return { id: question.id, refused: { code: error.code, reason: error.message } };
    // A disk that is full, for one; the next question may find room.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'bug';
    return { id: question.id, refused: { code: 'failed', reason: `The signer could not sign (${code}); see its folder and its disk.` } };
  }
}

async function main(): Promise<void> {
  const { data, socket, audience } = values;
  if (!data || !socket || !audience) throw new SignerError('folder', 'The signer needs --data DIR, --socket PATH and --audience NAME.');
  // Nothing that is made from here on can be opened by another account.
  process.umask(0o077);
  const signer = await openSigner(data, audience, () => new Date());
  const connections = new Set<Socket>();
  const server = createServer((connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => {});
    readLines(connection, (asked) => void answer(signer, asked).then((reply) => !connection.destroyed && writeLine(connection, reply)));
  });
  if (process.platform !== 'win32' && existsSync(socket)) rmSync(socket);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => resolve());
  });
  const group = values['socket-group'];
  if (process.platform !== 'win32') {
    if (group !== undefined) chownSync(socket, process.getuid?.() ?? 0, Number(group));
    chmodSync(socket, group === undefined ? 0o600 : 0o660);
  }
  process.stdout.write('{"ready":true}\n');

  const stop = () => {
    server.close();
    for (const connection of connections) connection.destroy();
    process.stdin.destroy();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (values['with-parent']) process.stdin.on('end', stop).on('error', stop).resume();
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof SignerError ? error.message : `The signer could not start (${String((error as Error)?.name)}).`}\n`,
  );
  process.exitCode = 1;
});
