/** Seven tenths of the hostile files: those that are broken as text. Two test files, so that two processors share them. */
import { test } from 'vitest';
import { CASES, tryHostile } from './mcp-hostile.ts';

test('broken text', () => tryHostile('broken text', CASES * 0.7), 900_000);
