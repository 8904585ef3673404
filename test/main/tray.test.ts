/** The tray's menu, in every state. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action, AgentLink, Platform, Snapshot } from '../../electron/contract.ts';
import { plainText, type TrayModel, trayIcon, trayModel } from '../../electron/main/tray.ts';
import { anySnapshot, anyText, FIRST, snapshot, tool } from './snapshots.ts';

const up: AgentLink = { state: 'up', detail: null, retryAt: null };
const lines = (model: TrayModel) => model.menu.map((line) => (line === null ? '—' : line.action ? `> ${line.label}` : line.label));
const shown = (state: Snapshot | null, link = up, platform: Platform = 'linux') => trayModel(state, link, platform, 'UTC');

describe('trayModel', () => {
  it('says what needs the employee, the most urgent first', () => {
    const tools = [
      tool('lm-studio', 'unreviewed', { name: 'LM Studio' }),
      tool('cursor', 'unreviewed', { name: 'Cursor' }),
      tool('deepseek', 'prohibited', { name: 'DeepSeek' }),
      tool('github-copilot', 'wrong-tier', { name: 'GitHub Copilot' }),
      tool('jan', 'unreviewed', { name: 'Jan' }),
      tool('windsurf', 'unreviewed', { name: 'Windsurf' }),
      tool('claude', 'approved', { name: 'Claude' }),
      tool('gemini', 'pending', { name: 'Gemini' }),
    ];
    const model = shown(snapshot(tools));
    expect(model.state).toBe('attention');
    expect(model.tooltip).toBe('Muster: six of your eight AI tools need something from you');
    expect(lines(model)).toEqual([
      'Six of your eight AI tools need something from you',
      '> GitHub Copilot, wrong tier',
      '> DeepSeek, not allowed',
      '> Cursor, not reviewed yet',
      '> Jan, not reviewed yet',
      '> 2 more…',
      '6 need you, 1 waiting, 1 fine',
      '—',
      '> Open Muster',
      '> Look again',
      '—',
      '> What Muster sees',
      '—',
      '> Quit Muster',
    ]);
    expect(model.menu[1]?.action).toEqual({ do: 'open', view: 'home', tool: 'github-copilot' });
  });

  it('asks to read the policy, and says what Muster is about to do', () => {
    const calm = snapshot([tool('claude', 'approved')]);
    const waiting: Action = {
      ...{ id: 'a', kind: 'disable-entry', item: 'mcp:files', itemName: 'files & more', server: null, rule: 'm1', mode: 'enforce' },
      ...{ state: 'waiting', reason: 'r', why: null, preview: { path: null, before: [], after: [] }, endsAt: FIRST },
      ...{ mayKeep: true, mayUndo: false, createdAt: FIRST, updatedAt: FIRST },
    };
    const model = shown({
      ...calm,
      policy: { ...calm.policy, rev: 1, acknowledge: { version: '1', required: true, acknowledgedAt: null } },
      actions: [waiting, { ...waiting, id: 'b', kind: 'end-process', itemName: 'DeepSeek' }, { ...waiting, id: 'c', state: 'done' }],
    });
    expect(model.state).toBe('attention');
    expect(lines(model).slice(1, 4)).toEqual([
      '> Muster soon switches off files && more',
      '> Muster soon ends DeepSeek',
      '> The policy asks to be read',
    ]);
    expect(model.menu[3]?.action).toEqual({ do: 'open', view: 'policy', tool: null });
    const read = { ...calm, policy: { ...calm.policy, rev: 1, acknowledge: { version: '1', required: true, acknowledgedAt: FIRST } } };
    expect(shown(read).state).toBe('calm');
  });

  it('is calm when all is fine, and while it looks for the first time', () => {
    const fine = shown(snapshot([tool('claude', 'approved')]));
    expect(fine.state).toBe('calm');
    expect(lines(fine)[0]).toBe('Your one AI tool is fine as it is');
    const starting = shown(null, { state: 'starting', detail: null, retryAt: null });
    expect(starting.state).toBe('calm');
    expect(lines(starting)).toEqual([
      'Looking for the AI tools on this computer',
      '—',
      '> Open Muster',
      '—',
      '> What Muster sees',
      '—',
      '> Quit Muster',
    ]);
  });

  it('shows that a look is under way, and a grave problem', () => {
    const busy = shown(
      snapshot([], {
        look: { state: 'looking', at: FIRST, durationMs: 1, firstAt: FIRST },
        problems: [{ code: 'disk-full', severity: 'high', path: null, message: 'm', fix: 'f' }],
      }),
    );
    expect(busy.state).toBe('problem');
    expect(lines(busy)).toContain('Looking…');
    expect(lines(busy)).not.toContain('> Look again');
    expect(lines(busy)).toContain('> One problem to look at');
  });

  it('says from when the list is while the agent is down, and offers to try now', () => {
    const down = shown(snapshot([tool('cursor', 'unreviewed', { name: 'Cursor' })]), {
      state: 'restarting',
      detail: 'x',
      retryAt: '2026-11-22T09:10:00.000Z',
    });
    expect(down.state).toBe('problem');
    expect(down.tooltip).toBe('Muster: not up to date');
    expect(lines(down).slice(0, 6)).toEqual([
      'This list is from 09:00',
      'Its agent stopped; it starts again at 09:10',
      '> Try now',
      '—',
      'Your one AI tool needs something from you',
      '> Cursor, not reviewed yet',
    ]);
    expect(lines(shown(null, { state: 'failed', detail: 'x', retryAt: null }))[0]).toBe('Muster isn’t looking just now');
  });

  it('keeps an access key’s mark out of names, except on macOS', () => {
    const state = snapshot([tool('x', 'unreviewed', { name: 'R&D' })]);
    expect(lines(shown(state))[1]).toBe('> R&&D, not reviewed yet');
    expect(lines(shown(state, up, 'darwin'))[1]).toBe('> R&D, not reviewed yet');
  });

  it('is short, plain and complete whatever comes', () => {
    const link = fc.record({
      state: fc.constantFrom<AgentLink['state']>('starting', 'up', 'restarting', 'failed'),
      detail: fc.option(anyText),
      retryAt: fc.option(fc.constant(FIRST)),
    });
    fc.assert(
      fc.property(fc.option(anySnapshot), link, fc.constantFrom<Platform>('darwin', 'linux', 'win32'), (state, linked, platform) => {
        const model = trayModel(state, linked, platform, 'UTC');
        expect(model.menu.length).toBeLessThanOrEqual(20);
        expect(model.tooltip.length).toBeLessThanOrEqual(127);
        expect(model.menu[0]).not.toBe(null);
        expect(model.menu.at(-1)).toEqual({ label: 'Quit Muster', action: { do: 'quit' } });
        expect(model.menu.some((line, at) => line === null && model.menu[at + 1] === null)).toBe(false);
        expect(lines(model)).toContain('> Open Muster');
        for (const line of model.menu) {
          if (line) expect(line.label).toMatch(/^[^\p{Cc}\p{Cf}]{1,120}$/u);
        }
        const named = model.menu.filter((line) => line?.action?.do === 'open' && line.action.tool !== null);
        expect(named.length).toBeLessThanOrEqual(4);
      }),
    );
  });
});

describe('plainText', () => {
  it('is one line without tricks, and never too long', () => {
    expect(plainText('a\nb\tc', 60)).toBe('a b c');
    expect(plainText('x\u202Egnp.exe', 60)).toBe('xgnp.exe');
    expect(plainText('abcdef', 4)).toBe('abc…');
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 80 }), (text, limit) => {
        const plain = plainText(text, limit);
        expect([...plain].length).toBeLessThanOrEqual(limit);
        expect(plain).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('trayIcon', () => {
  it('names a picture that there is, for every state, platform and panel', () => {
    const folder = path.join(import.meta.dirname, '../../build/icons/tray');
    const names = (['calm', 'attention', 'problem'] as const).flatMap((state) =>
      (['darwin', 'linux', 'win32'] as const).flatMap((platform) => [true, false].map((dark) => trayIcon(state, platform, dark))),
    );
    expect(new Set(names).size).toBe(15);
    for (const name of names) {
      expect(existsSync(path.join(folder, name)), name).toBe(true);
      expect(existsSync(path.join(folder, name.replace('.png', '@2x.png'))), `${name} at twice its size`).toBe(true);
    }
  });
});
