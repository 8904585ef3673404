-- What was verified and is in force: signed documents as they came, one row a kind, each with the key set that it was verified under.
CREATE TABLE trusted (
  kind TEXT NOT NULL PRIMARY KEY CHECK (kind IN ('keySet', 'policy', 'grants')),
  rev INTEGER NOT NULL,
  key_set_rev INTEGER NOT NULL,
  hash TEXT NOT NULL,
  jws TEXT NOT NULL,
  key_set TEXT,
  accepted_at TEXT NOT NULL
) STRICT;
