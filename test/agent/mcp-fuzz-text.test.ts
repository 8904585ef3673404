/** The other hostile files: those that are broken as text. Two test files, so that two processors share them. */
import { test } from 'vitest';
import { CASES, tryHostile } from './mcp-hostile.ts';

test('broken text', () => tryHostile('broken text', CASES * 0.85), 900_000);
