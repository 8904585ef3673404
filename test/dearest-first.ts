/** The order of the test files: the dearest first, so that none of them is what a whole run waits for at its end with the other processors idle. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const FOLDER = import.meta.dirname;

/** Those that take ten seconds or more, the longest first. What is not here comes after them, the largest file first. */
const DEAREST = [
  'renderer/states.test.ts',
  'e2e/check-in.test.ts',
  'agent/cli-watch.test.ts',
  'e2e/real-tools-off.test.ts',
  'renderer/journeys.test.ts',
  'agent/bad-input.test.ts',
  'agent/wine.test.ts',
  'collector/database.test.ts',
  'agent/mcp-fuzz-text.test.ts',
  'agent/mcp-fuzz-values.test.ts',
  'agent/cli.test.ts',
  'agent/store-rebuild.test.ts',
  'collector/security.test.ts',
  'collector/contract.test.ts',
  'agent/sync-cli.test.ts',
  'collector/restart.test.ts',
  'collector/admission.test.ts',
  'collector/check-in.test.ts',
  'collector/main.test.ts',
  'collector/signer.test.ts',
  'agent/secrets.test.ts',
].map((file) => path.join(FOLDER, file));

for (const file of DEAREST) {
  if (!existsSync(file))
    throw new Error(`There is no ${path.relative(FOLDER, file)} any more; take it out of the list in test/dearest-first.ts.`);
}

/** As Vitest takes it: a class of its own kind. */
export class DearestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) => {
      const at = DEAREST.indexOf(path.normalize(moduleId));
      return [project.config.sequence.groupOrder, at === -1 ? DEAREST.length : at] as const;
    };
    return (await super.sort(files)).toSorted((a, b) => {
      const [groupA, atA] = rank(a);
      const [groupB, atB] = rank(b);
      return groupA - groupB || atA - atB;
    });
  }
}
