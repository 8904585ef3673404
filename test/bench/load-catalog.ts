/** Prints how long the packed catalog takes from text to maps, in ms, in a fresh process: `node load-catalog.ts FILE`. */
import { readFileSync } from 'node:fs';
import { parseCatalog } from '../../native-catalog/catalog.ts';

const text = readFileSync(process.argv[2] ?? '', 'utf8');
const began = performance.now();
parseCatalog(JSON.parse(text), [], { trusted: true });
process.stdout.write(String(performance.now() - began));
