-- What was verified and is in force: signed documents as they came, one row a kind.
CREATE TABLE trusted (
  kind TEXT NOT NULL PRIMARY KEY CHECK (kind IN ('keySet', 'policy', 'grants')),
  rev INTEGER NOT NULL,
  key_set_rev INTEGER NOT NULL,
  hash TEXT NOT NULL,
  jws TEXT NOT NULL,
  accepted_at TEXT NOT NULL
) STRICT;
