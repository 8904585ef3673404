/** The record of a data folder as it stands, for the verbs of `muster evidence`; changes and creates nothing. */
import { readMigrations } from '../../assets.ts';
import { databaseFile, entry, refuseFiles, refuseOthers } from '../../data-folder.ts';
import { type DeviceKey, readDeviceKey } from '../../device-key.ts';
import type { EvidenceRow, FoundHead } from '../../evidence/chain.ts';
import { readHead } from '../../evidence/head-file.ts';
import { dataDirOf } from '../../session.ts';
import { openStore } from '../../store/store.ts';
import type { Invocation } from '../command.ts';

export type StoredRecord = {
  /** From that time on (ISO 8601); read as they are asked for. */
  rows(since?: string): Iterable<EvidenceRow>;
  readonly head: FoundHead;
  readonly key: DeviceKey | null;
};

/** Gives the record to `work`, and closes it after. Throws `DatabaseError`, `DataFolderError`. */
export async function withStoredRecord<T>(invocation: Invocation, work: (record: StoredRecord) => T | Promise<T>): Promise<T> {
  const dataDir = dataDirOf(invocation);
  refuseFiles(dataDir);
  refuseOthers(dataDir, invocation.os);
  const key = readDeviceKey(dataDir);
  // Before the rows: a running agent writes rows first, so these are at least as many as the head counts.
  const head = readHead(dataDir, key);
  const file = databaseFile(dataDir);
  if (!entry(file)) return work({ rows: () => [], head, key });
  const store = openStore(file, { migrations: readMigrations(), readOnly: true });
  try {
    return await work({ rows: (since = '') => store.evidenceRows.all({ since }), head, key });
  } finally {
    store.close();
  }
}
