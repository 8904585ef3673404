/** Prints the processor time of the packed catalog from text to maps, in ms, in a fresh process: `node load-catalog.ts FILE`. */
import { readFileSync } from 'node:fs';
import { parseCatalog } from '../../native-catalog/catalog.ts';

const text = readFileSync(process.argv[2] ?? '', 'utf8');
const before = process.cpuUsage();
parseCatalog(JSON.parse(text), [], { trusted: true });
const { user, system } = process.cpuUsage(before);
process.stdout.write(String((user + system) / 1000));
