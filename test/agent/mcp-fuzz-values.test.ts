/**
 * Three twentieths of the hostile files: sound ones that say strange things. Each holds servers that are judged one by one, which takes six times as long as
 * a broken file; the laws that they try are tried by properties besides (mcp-fuzz, mcp-secrets). Two test files, so that two processors share them.
 */
import { test } from 'vitest';
import { CASES, tryHostile } from './mcp-hostile.ts';

test('strange values', () => tryHostile('strange values', CASES * 0.15), 900_000);
