/** The words about the collector and about what was sent: whatever a message holds, something true is said of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerText,
  collectorHost,
  joinedText,
  leavesText,
  nextText,
  sentDay,
  sentKey,
  sentWords,
  troubleText,
} from '../../renderer/words/sync.ts';
import { joined, sent } from './harness/samples.ts';

const names = (id: string) => ({ cursor: 'Cursor', 'claude-code': 'Claude Code', ollama: 'Ollama' })[id] ?? id;
const off = { state: 'off', collector: null, lastAt: null, nextAt: null, detail: null } as const;
const now = new Date(2026, 10, 22, 9, 0);
const at = (day: number, hour: number) => new Date(2026, 10, day, hour, 12).toISOString();

describe('how it stands with the collector', () => {
  it.each([
    [off, 'This computer belongs to no collector: nothing leaves it.'],
    [undefined, 'The checker hasn’t said yet whether this computer belongs to a collector.'],
    [joined(), 'Joined to muster.acme.example.'],
    [joined({ state: 'offline' }), 'Joined to muster.acme.example.'],
    [joined({ state: 'joining' }), 'This computer is to join muster.acme.example, and hasn’t yet.'],
    [joined({ state: 'pending' }), 'This computer waits to be let in at muster.acme.example; an administrator does that.'],
  ])('says to whom the computer belongs: %#', (sync, sentence) => {
    expect(joinedText(sync)).toBe(sentence);
  });

  it('names the collector by its host only, and by its text where that is no address', () => {
    expect(collectorHost(joined({ collector: 'https://ada:secret@muster.acme.example:8443/a?token=b' }))).toBe('muster.acme.example:8443');
    expect(collectorHost(joined({ collector: 'nonsense' }))).toBe('nonsense');
    expect(leavesText(off)).toContain('nothing leaves this computer until');
    expect(leavesText(joined())).toContain('muster.acme.example');
  });

  it('says why there was no check-in, and that nothing depends on it; not where all is well', () => {
    expect(troubleText(joined({ state: 'unreachable', detail: 'It did not answer.' }))).toBe(
      'It did not answer. Nothing here depends on it.',
    );
    expect(troubleText(joined({ state: 'refused', detail: 'refused' }))).toBe('refused. Nothing here depends on it.');
    expect(troubleText(joined({ state: 'offline' }))).toBe('The collector couldn’t be reached. Nothing here depends on it.');
    expect(troubleText(joined())).toBeNull();
    expect(troubleText(off)).toBeNull();
  });

  it('says when the next check-in is due', () => {
    expect(nextText(joined({ nextAt: at(22, 10) }), now)).toBe('10:12');
    expect(nextText(joined({ nextAt: at(23, 0) }), now)).toBe('23 November at 00:12');
    expect(nextText(joined({ nextAt: at(22, 8) }), now)).toBe('Any moment');
    expect(nextText(joined({ state: 'offline', nextAt: at(22, 10) }), now)).toBe('When there is a network again');
    expect(nextText(joined({ nextAt: null }), now)).toBeNull();
  });
});

describe('what was sent', () => {
  it('says what each message was for', () => {
    expect(sent().map((payload) => sentWords(payload, names).title)).toEqual([
      'Two changes, your request, time of use',
      'No change',
      'Two changes',
      'The whole list, part 1 of 2',
      'A long list',
    ]);
    expect(sent().map((payload) => sentWords(payload, names).lines)).toEqual([
      [
        'How it stands with Cursor, filesystem.',
        'What you asked for, with your reason: Cursor.',
        'How long tools ran and were in front, by the day: one day.',
        'Which policy counts here, and whether it could be proven.',
      ],
      [],
      ['No longer here: aider, one MCP server.'],
      ['The whole list, part 1 of 2: Claude Code, Cursor, Ollama.'],
      [],
    ]);
    expect(sent().map(answerText)).toEqual([
      'Acknowledged.',
      'Acknowledged.',
      'Given up: refused (seq-reused).',
      'Acknowledged.',
      'It waits for its answer.',
    ]);
    expect(new Set(sent().map(sentKey)).size).toBe(5);
  });

  it('names six and counts the others', () => {
    const upsert = Array.from({ length: 9 }, (_, number) => ({ kind: 'mcp', name: `s${number}` }));
    expect(sentWords({ body: JSON.stringify({ upsert }), isCut: false }, names).lines).toEqual([
      'How it stands with s0, s1, s2, s3, s4, s5 and three more.',
    ]);
  });

  it('says something of whatever text was sent', () => {
    const fields = ['upsert', 'remove', 'requests', 'usage', 'snapshot', 'evidence', 'trust', 'agent'];
    const body = fc.oneof(
      fc.string(),
      fc.dictionary(fc.constantFrom(...fields), fc.jsonValue()).map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(body, fc.boolean(), (text, isCut) => {
        const { title, lines } = sentWords({ body: text, isCut }, names);
        expect(title).not.toBe('');
        expect(new Set(lines).size).toBe(lines.length);
      }),
    );
  });

  it('groups by the day on the wall', () => {
    expect([at(22, 0), at(21, 23), at(20, 9), 'nonsense'].map((time) => sentDay(time, now))).toEqual([
      'Today',
      'Yesterday',
      '20 November',
      'Some day',
    ]);
  });
});
