/** Which file a command line's script is: addresses, links, relative names, and what must not even be asked for. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';
import { boundedResolver, resolveScript } from '../../agent/observe/processes/script-file.ts';

const scratch = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'muster-script-')));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));
const real = path.join(scratch, 'a real one.js');
fs.writeFileSync(real, '');
fs.symlinkSync(real, path.join(scratch, 'link.js'));

it.each([
  ['a link', path.join(scratch, 'link.js'), null, real],
  ['an address of a file', pathToFileURL(real).href, null, real],
  ['a relative name', './link.js', scratch, real],
  ['a name without its ending', path.join(scratch, 'link'), null, real],
  ['two slashes', `/${scratch}/link.js`, null, real],
  ['a relative name in nobody knows which folder', './link.js', null, null],
  ['a file that is not there', path.join(scratch, 'no.js'), null, path.join(scratch, 'no.js')],
  ['a descriptor', '/dev/fd/3', null, null],
  ['an address of another computer', 'file://server/share/x.js', null, null],
  ['an address that is none', 'file://%', scratch, null],
  ['a share of another computer', '\\\\server\\share\\x.js', null, '\\\\server\\share\\x.js'],
] as const)('%s', async (_, script, folder, file) => {
  expect(await resolveScript(script, folder)).toBe(file);
});

it('asks a dead file system no more than twice at once, and goes on when it answers', async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const resolve = boundedResolver(
    (file) => {
      asked.push(file);
      return file.startsWith('/dead/') ? new Promise((done) => void answers.push(() => done('late'))) : Promise.resolve(`/real${file}`);
    },
    { waitMs: 5 },
  );
  // Those that wait for their turn behind the dead ones are let go with them.
  expect(await Promise.all(['/dead/a', '/dead/b', '/dead/c', '/x'].map(resolve))).toEqual([null, null, null, null]);
  expect(await resolve('/y')).toBeNull();
  expect(asked).toEqual(['/dead/a', '/dead/b']);
  answers[0]?.();
  await vi.waitFor(async () => expect(await resolve('/y')).toBe('/real/y'));
  answers[1]?.();
  // With all at rest every one has its turn.
  const many = Array.from({ length: 20 }, (_, index) => `/${index}`);
  expect(await Promise.all(many.map(resolve))).toEqual(many.map((file) => `/real${file}`));
});
