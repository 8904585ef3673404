/** Three tenths of the hostile files: sound ones that say strange things. Two test files, so that two processors share them. */
import { test } from 'vitest';
import { CASES, tryHostile } from './mcp-hostile.ts';

test('strange values', () => tryHostile('strange values', CASES * 0.3), 900_000);
