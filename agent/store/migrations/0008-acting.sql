-- What Muster changed outside of itself, and how it is taken back.
CREATE TABLE action (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('disable-entry', 'end-process')),
  item TEXT NOT NULL,
  rule TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('would', 'waiting', 'done', 'undone', 'failed', 'refused')),
  data TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;
