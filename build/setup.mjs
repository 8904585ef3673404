#!/usr/bin/env node
/**
 * The first thing every npm script runs: refuses a Node that is too old, in a sentence, and hands over to `jobs.mjs`.
 *
 * This file stays in the JavaScript that Node 13 could read (no `node:` imports, no `??`): an old Node must get as far as the sentence.
 */
var major = Number(process.versions.node.split('.')[0]);
if (major < 18) {
  process.stderr.write(
    'Muster needs Node 18 or newer to set itself up, and this is Node ' +
      process.versions.node +
      '. Install a current Node (Node 24 is what Muster itself runs on, and set-up fetches that by itself), then run the same command again.\n',
  );
  process.exitCode = 2;
} else {
  import('./jobs.mjs').then((jobs) => jobs.main(process.argv.slice(2)));
}
