/** The table of problems: each says the thing, the place and the remedy; raising and clearing meet by code and path. */
import { describe, expect, it } from 'vitest';
import { createProblems, problem } from '../../agent/problems.ts';

describe('problems', () => {
  it('are shown worst first, with paths as people write them', () => {
    const problems = createProblems((path) => path.replace('/home/ada', '~'));
    problems.raise({ code: 'config-unreadable', path: '/home/ada/b.json', detail: 'line 3' });
    problems.raise({ code: 'config-unreadable', path: '/home/ada/a.json' });
    problems.raise({ code: 'database-failed', path: '/home/ada/muster.db', detail: 'full' });
    problems.raise({ code: 'source-failed', path: 'processes', detail: 'TypeError' }, 'programs');
    expect(problems.list().map(({ severity, path }) => [severity, path])).toEqual([
      ['high', '~/muster.db'],
      ['medium', 'programs'],
      ['low', '~/a.json'],
      ['low', '~/b.json'],
    ]);
    expect(problems.list()[3]?.message).toBe('~/b.json can’t be understood: line 3; what it said before is kept.');
  });

  it('end by code and path, or all of a code; raised again they say the latest', () => {
    const problems = createProblems();
    for (const path of ['/a', '/b']) problems.raise({ code: 'config-refused', path, detail: 'a folder' });
    problems.raise({ code: 'config-refused', path: '/a', detail: 'a named pipe' });
    expect(problems.list().map(({ message }) => message)).toEqual(['/a was not read: a named pipe.', '/b was not read: a folder.']);
    problems.clear('config-refused', '/nowhere');
    problems.clear('config-unreadable');
    problems.clear('config-refused', '/a');
    expect(problems.list().map(({ path }) => path)).toEqual(['/b']);
    problems.clear('config-refused');
    expect(problems.list()).toEqual([]);
  });

  it('tell the same sentence once', () => {
    const problems = createProblems();
    for (const path of ['1', '2']) problems.raise({ code: 'config-refused', path, detail: 'EACCES' }, '~/x');
    expect(problems.list()).toHaveLength(1);
    problems.clear('config-refused', '1');
    expect(problems.list()).toHaveLength(1);
  });

  it('that nobody declared are a bug', () => {
    expect(() => problem({ code: 'constructor', path: null })).toThrow('not declared in agent/problems.ts');
  });
});
