-- The append-only record: each row carries the hash of the one before it, over all that stands in it. What is read most has a column of its own;
-- detail is one object of names and counts. Rows are never changed; retention drops the oldest and writes a signed checkpoint for them.
CREATE TABLE evidence_log (
  seq INTEGER NOT NULL PRIMARY KEY,
  time TEXT NOT NULL,
  device TEXT NOT NULL,
  user TEXT NOT NULL,
  kind TEXT NOT NULL,
  item TEXT,
  was TEXT,
  decision TEXT,
  rule TEXT,
  policy_rev INTEGER,
  detail TEXT NOT NULL CHECK (json_valid(detail)),
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;

-- How each thing stood when it was last written into the record: a tool's verdict, the policy, the mode, a grant. What differs is a change.
CREATE TABLE last_known (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The versions of the policy that the employee has read and acknowledged.
CREATE TABLE acknowledgement (
  version TEXT NOT NULL PRIMARY KEY,
  acknowledged_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Why a request stands as it does where nobody's answer says it: it was open for too long, or the day it was for has passed.
ALTER TABLE request ADD COLUMN why TEXT;
