-- The first schema: what was seen (tools and the evidence for them), MCP servers, use as per-day totals, requests, and what the employee was told.
-- Nothing is ever deleted from the inventory: what is gone has present = 0, so that history stays and first_seen never moves.
-- Times are ISO 8601 in UTC, which sort as text. Lists and small objects are JSON, because they are only ever read whole.

CREATE TABLE tool (
  id TEXT NOT NULL PRIMARY KEY,
  first_seen TEXT NOT NULL,
  last_seen TEXT NOT NULL
) STRICT;

-- Evidence may stand here before its tool does: two weak traces make a tool, one alone does not. Hence no foreign key.
-- seen_at is the time of the last sighting as the clock had it, last_seen the latest ever: a clock that was set back must not hide what is gone.
CREATE TABLE evidence (
  id INTEGER PRIMARY KEY,
  tool TEXT NOT NULL,
  kind TEXT NOT NULL,
  strength TEXT NOT NULL,
  surface TEXT NOT NULL,
  path TEXT,
  target TEXT,
  home TEXT,
  version TEXT,
  manager TEXT,
  name TEXT,
  first_seen TEXT NOT NULL,
  last_seen TEXT NOT NULL,
  seen_at TEXT NOT NULL,
  present INTEGER NOT NULL CHECK (present IN (0, 1))
) STRICT;

-- One row for one trace in one place; version, strength and target are what was last seen of it. NULLs are equal here, so ifnull.
CREATE UNIQUE INDEX evidence_trace ON evidence
  (tool, kind, surface, ifnull(path, ''), ifnull(home, ''), ifnull(manager, ''), ifnull(name, ''));

CREATE TABLE server (
  id TEXT NOT NULL PRIMARY KEY,
  client TEXT NOT NULL,
  name TEXT NOT NULL,
  scope TEXT NOT NULL,
  project TEXT,
  config_path TEXT NOT NULL,
  home TEXT,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  transport TEXT NOT NULL,
  command TEXT,
  args TEXT NOT NULL CHECK (json_valid(args)),
  url TEXT,
  identity TEXT NOT NULL CHECK (json_valid(identity)),
  secret_names TEXT NOT NULL CHECK (json_valid(secret_names)),
  risk TEXT NOT NULL CHECK (json_valid(risk)),
  first_seen TEXT NOT NULL,
  last_seen TEXT NOT NULL,
  present INTEGER NOT NULL CHECK (present IN (0, 1))
) STRICT;

CREATE INDEX server_file ON server (config_path, client);

-- Totals of a local day (YYYY-MM-DD) and never a trace of when.
CREATE TABLE usage (
  day TEXT NOT NULL,
  tool TEXT NOT NULL,
  run_s REAL NOT NULL,
  front_s REAL NOT NULL,
  launches INTEGER NOT NULL,
  PRIMARY KEY (day, tool)
) STRICT, WITHOUT ROWID;

CREATE TABLE request (
  id TEXT NOT NULL PRIMARY KEY,
  item TEXT NOT NULL,
  item_name TEXT NOT NULL,
  tier TEXT,
  data_class TEXT,
  until TEXT,
  reason TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  answer TEXT,
  added TEXT
) STRICT;

CREATE TABLE told (
  item TEXT NOT NULL PRIMARY KEY,
  at TEXT NOT NULL
) STRICT;

-- One row at most: how the last whole look went, and when the first one ended.
CREATE TABLE look (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  first_at TEXT NOT NULL,
  at TEXT NOT NULL,
  duration_ms REAL NOT NULL
) STRICT;
