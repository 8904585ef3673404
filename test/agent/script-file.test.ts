/** Which file a command line's script is: addresses, links, relative names, and what must not even be asked for. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { resolveScript } from '../../agent/observe/processes/script-file.ts';

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
