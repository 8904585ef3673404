-- What the collector has acknowledged and what waits for its answer. The state of the exchange is one object: epoch, counter, what is held there.
CREATE TABLE sync_state (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  value TEXT NOT NULL CHECK (json_valid(value))
) STRICT;

-- The inventory as the collector holds it: key and hash of each item.
CREATE TABLE sync_held (
  key TEXT NOT NULL PRIMARY KEY,
  hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests that the collector has, by the hash of what it was told; with a reason (parked) where it couldn't use that. Items that it parked, too.
CREATE TABLE sync_told (
  what TEXT NOT NULL PRIMARY KEY,
  hash TEXT NOT NULL,
  parked TEXT
) STRICT, WITHOUT ROWID;

-- Check-ins, byte for byte as they are sent: those that wait for an answer, and the last ones that were answered, for the employee to see.
CREATE TABLE sync_payload (
  id INTEGER NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL,
  made_at TEXT NOT NULL,
  body BLOB NOT NULL,
  packed INTEGER NOT NULL,
  effect TEXT NOT NULL CHECK (json_valid(effect)),
  answered TEXT
) STRICT;
