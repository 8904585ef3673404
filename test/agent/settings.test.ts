/** The user's settings: what is given wins over the defaults, and what is wrong with the file is said without quoting it. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../agent/settings.ts';
import { temporary, write } from './muster.ts';

const folder = temporary('settings');
const file = path.join(folder, 'settings.json');
const read = (content: string | object | Buffer) => {
  write(file, content);
  return readSettings(folder);
};

describe('settings', () => {
  it('are the defaults without a file, and say where each comes from', () => {
    fs.rmSync(file, { force: true });
    expect(readSettings(folder)).toMatchObject({ issue: null, values: { pollSeconds: 15 }, sources: { pollSeconds: 'default' } });
    const { values, sources, issue } = read({ pollSeconds: 5 });
    expect([values.pollSeconds, sources.pollSeconds, sources.lookMinutes, issue]).toEqual([5, file, 'default', null]);
    expect(read('\uFEFF{"lookMinutes": 30}').values.lookMinutes).toBe(30);
    expect(read({ projectFolders: ['/srv/shop'] }).values.projectFolders).toEqual(['/srv/shop']);
  });

  it.each<[string, string | object, RegExp]>([
    ['no JSON', '{"pollSeconds": hunter2}', /^it is not valid JSON$/],
    ['a wrong type', { pollSeconds: 'hunter2' }, /^pollSeconds: /],
    ['a relative folder', { projectFolders: ['hunter2'] }, /^projectFolders\.0: is not an absolute path$/],
    ['out of range', { pollSeconds: 0 }, /^pollSeconds: /],
    ['an unknown name', { pollSecond: 'hunter2' }, /pollSecond/],
    ['no object', '[]', /^the file: /],
    ['huge', ' '.repeat(100_000), /can’t be read \(100000 bytes, more than 65536\)/],
  ])('%s is an issue, the defaults stay, and no value is quoted', (_what, content, words) => {
    const { values, issue } = read(content);
    expect(values.pollSeconds).toBe(15);
    expect(issue).toMatch(words);
    expect(issue).not.toContain('hunter2');
  });

  it('never throw, whatever the file holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        ),
        (content) => {
          const { values } = read(content);
          expect(values.pollSeconds).toBeGreaterThan(0);
        },
      ),
      { numRuns: 100 },
    );
  });
});
