/** The RPC over what really carries it: sockets and message ports, cut anywhere. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { join } from '../../electron/main/ports.ts';
import { type Channel, connect, RpcError, serve } from '../../electron/rpc.ts';
import { socketChannel } from '../../electron/socket.ts';

type Echo = {
  echo(value: unknown): Promise<unknown>;
  fail(code: string): Promise<never>;
  never(): Promise<never>;
  loop(): Promise<unknown>;
};
type Events = { changed: unknown };

const api: Echo = {
  echo: async (value) => value,
  fail: async (code) => {
    throw new RpcError(code, 'It failed; try again.');
  },
  never: () => new Promise(() => {}),
  loop: async () => {
    const self: Record<string, unknown> = {};
    self['self'] = self;
    return self;
  },
};
const methods = ['echo', 'fail', 'never', 'loop'] as const;

/** A pair of channels whose text is cut as `cuts` say, in order and one task apart. */
function pair(cuts: readonly number[] = []): [Channel, Channel] {
  const ends: { chunk?: (text: string) => void; close?: () => void }[] = [{}, {}];
  let turn = 0;
  let open = true;
  const end = (mine: number): Channel => ({
    send: (text) => {
      let rest = text;
      while (rest) {
        const size = cuts.length ? Math.max(1, cuts[turn++ % cuts.length] ?? 1) : rest.length;
        const part = rest.slice(0, size);
        rest = rest.slice(size);
        queueMicrotask(() => open && ends[1 - mine]?.chunk?.(part));
      }
    },
    receive: (chunk, close) => {
      ends[mine] = { chunk, close };
    },
    close: () => {
      if (!open) return;
      open = false;
      for (const { close } of ends) close?.();
    },
  });
  return [end(0), end(1)];
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Both ends of a real local socket. */
async function sockets(): Promise<{ here: Socket; there: Socket }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-rpc-'));
  const server = createServer().listen(path.join(folder, 's'));
  await once(server, 'listening');
  const here = dial(path.join(folder, 's'));
  const [there] = (await once(server, 'connection')) as [Socket];
  cleanups.push(
    () => rmSync(folder, { recursive: true }),
    () => server.close(),
    () => here.destroy(),
    () => there.destroy(),
  );
  return { here, there };
}

describe('rpc', () => {
  it('brings every JSON value over and back, however the text is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 8 }),
        async (values, cuts) => {
          const [a, b] = pair(cuts);
          const server = serve<Echo, Events>(a, api, methods);
          const client = connect<Echo, Events>(b, methods);
          const told: unknown[] = [];
          client.on('changed', (value) => told.push(value));
          for (const value of values) server.emit('changed', value);
          const answers = await Promise.all(values.map((value) => client.api.echo(value)));
          const expected = JSON.parse(JSON.stringify(values));
          expect(answers).toEqual(expected);
          if (values.length > 0) expect(told).toEqual(expected);
        },
      ),
    );
  });

  it('survives any text at all, on both ends', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom('{"id":1,"call":"echo"}', '{"event":"changed"}', '{"id":1,"error":5}', 'null'),
    );
    fc.assert(
      fc.property(fc.array(text), (chunks) => {
        const [a, b] = pair();
        serve<Echo, Events>({ ...a, receive: (chunk) => chunks.forEach((text) => void chunk(`${text}\n`)) }, api, methods);
        connect<Echo, Events>({ ...b, receive: (chunk) => chunks.forEach((text) => void chunk(`${text}\n`)) }, methods);
      }),
    );
  });

  it('calls what is named and nothing else', async () => {
    const [a, b] = pair();
    serve<Echo, Events>(a, api, ['echo']);
    const names = ['fail', 'toString', 'constructor', '__proto__'] as unknown as readonly (keyof Echo)[];
    const client = connect<Echo, Events>(b, [...names, 'echo']);
    for (const name of names.filter((each) => (each as string) !== '__proto__')) {
      await expect((client.api[name] as () => Promise<unknown>)()).rejects.toMatchObject({ code: 'usage' });
    }
    expect(await client.api.echo(1)).toBe(1);
  });

  it('keeps the code of a refusal, and answers also what JSON cannot carry', async () => {
    const [a, b] = pair();
    serve<Echo, Events>(a, api, methods);
    const client = connect<Echo, Events>(b, methods);
    await expect(client.api.fail('duplicate')).rejects.toMatchObject({ code: 'duplicate', message: 'It failed; try again.' });
    await expect(client.api.loop()).rejects.toMatchObject({ code: 'bug' });
  });

  it('closes on a line that never ends, in time that grows with its length', async () => {
    const [a, b] = pair();
    let closed = false;
    let chunk: (text: string) => void = () => {};
    const channel: Channel = {
      ...a,
      receive: (onChunk) => {
        chunk = onChunk;
      },
      close: () => {
        closed = true;
      },
    };
    const client = connect<Echo, Events>(channel, methods);
    const piece = 'x'.repeat(64 * 1024);
    let sent = 0;
    while (!closed && sent < 2000) {
      chunk(piece);
      sent++;
    }
    expect(closed).toBe(true);
    expect(sent).toBe(1025);
    await client.closed;
    b.close();
  });

  it('rejects what waits when a real socket closes, and what is asked afterwards', async () => {
    const { here, there } = await sockets();
    serve<Echo, Events>(socketChannel(there), api, methods);
    const client = connect<Echo, Events>(socketChannel(here), methods);
    expect(await client.api.echo('é🦊 "\n"')).toBe('é🦊 "\n"');
    const waiting = client.api.never();
    there.destroy();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await client.closed;
    await expect(client.api.echo(1)).rejects.toMatchObject({ code: 'closed' });
  });

  it('tells of the close also when the socket is gone already', async () => {
    const { here } = await sockets();
    here.destroy();
    await once(here, 'close');
    const client = connect<Echo, Events>(socketChannel(here), methods);
    await client.closed;
  });

  it('brings bytes cut inside a character over whole', async () => {
    const { here, there } = await sockets();
    let text = '';
    const whole = new Promise<void>((resolve) => {
      socketChannel(here).receive((chunk) => {
        text += chunk;
        if (text.endsWith('\n')) resolve();
      }, resolve);
    });
    const bytes = Buffer.from('grüß 🦊\n');
    for (const byte of bytes) await new Promise((resolve) => there.write(Buffer.of(byte), resolve));
    await whole;
    expect(text).toBe('grüß 🦊\n');
  });

  it('ends a connection whose other end has stopped reading', async () => {
    const { here, there } = await sockets();
    here.pause();
    const channel = socketChannel(there);
    let closed = false;
    channel.receive(
      () => {},
      () => {
        closed = true;
      },
    );
    const piece = 'x'.repeat(16 * 1024 * 1024);
    for (let sent = 0; sent < 12 && !there.destroyed; sent++) channel.send(piece);
    expect(there.destroyed).toBe(true);
    await once(there, 'close');
    expect(closed).toBe(true);
  });

  it('reaches through a message port that is joined to a socket, and each end closes the other', async () => {
    for (const who of ['port', 'socket'] as const) {
      const { here, there } = await sockets();
      serve<Echo, Events>(socketChannel(there), api, methods);
      const { port1, port2 } = new MessageChannel();
      join(
        {
          on: (event: string, listener: (message: { data: unknown }) => void) => port2.on(event, (data: unknown) => listener({ data })),
          start: () => port2.start(),
          postMessage: (text) => port2.postMessage(text),
          close: () => port2.close(),
        },
        here,
      );
      const portClosed = once(port1, 'close');
      const client = connect<Echo, Events>(
        {
          send: (chunk) => port1.postMessage(chunk),
          receive: (onChunk, onClose) => void port1.on('message', onChunk).on('close', onClose),
          close: () => port1.close(),
        },
        methods,
      );
      // What isn't text is dropped at the join.
      port1.postMessage({ not: 'text' });
      expect(await client.api.echo(['ü', 1])).toEqual(['ü', 1]);
      const gone = once(there, 'close');
      if (who === 'port') client.close();
      else there.destroy();
      await Promise.all([gone, portClosed, client.closed]);
    }
  });
});
