-- The append-only record: each row carries the hash of the one before it.
CREATE TABLE evidence_log (
  seq INTEGER NOT NULL PRIMARY KEY,
  time TEXT NOT NULL,
  device TEXT NOT NULL,
  user TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT,
  data TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
