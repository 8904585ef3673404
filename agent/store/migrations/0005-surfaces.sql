-- Extensions, containers and listeners are evidence with more to say; accounts, add-ons and models are facts of their own.
ALTER TABLE evidence ADD COLUMN detail TEXT CHECK (json_valid(detail));

CREATE TABLE account (
  tool TEXT NOT NULL,
  home TEXT NOT NULL,
  source TEXT NOT NULL,
  tier TEXT,
  organization TEXT,
  domain TEXT,
  personal INTEGER,
  uncertain INTEGER NOT NULL DEFAULT 0,
  seen_at TEXT NOT NULL,
  PRIMARY KEY (tool, home, source)
) STRICT;

CREATE TABLE addon (
  tool TEXT NOT NULL,
  kind TEXT NOT NULL,
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  home TEXT,
  project TEXT,
  first_seen TEXT NOT NULL,
  seen_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX addon_key ON addon (tool, kind, scope, name, path, ifnull(home, ''));

CREATE TABLE model (
  tool TEXT NOT NULL,
  name TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  path TEXT NOT NULL,
  home TEXT,
  seen_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX model_key ON model (tool, name, path, ifnull(home, ''));
