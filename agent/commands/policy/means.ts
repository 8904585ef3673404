/** What may act on this computer: what this build can do, and what the managed settings allow. */
import { BUILT_ACTIONS, type Means } from '../../policy/backing.ts';
import { createProblems } from '../../problems.ts';
import { dataDirOf, settingsOf } from '../../session.ts';
import type { Invocation } from '../command.ts';

/** Reads the settings anew; what is wrong with them is `doctor`'s to say. */
export async function meansHere(invocation: Invocation): Promise<Means> {
  const settings = settingsOf(invocation, dataDirOf(invocation), createProblems());
  await settings.reload();
  return { built: BUILT_ACTIONS, allowed: new Set(settings.current().values.allowActions) };
}
