-- What agents' own settings files allow: one row a file, read whole. A file that is gone has no row, for what it allowed is allowed no longer.
CREATE TABLE setting (
  client TEXT NOT NULL,
  scope TEXT NOT NULL,
  config_path TEXT NOT NULL,
  home TEXT,
  project TEXT,
  findings TEXT NOT NULL CHECK (json_valid(findings)),
  forbids TEXT NOT NULL CHECK (json_valid(forbids)),
  seen_at TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX setting_file ON setting (client, scope, config_path, ifnull(home, ''));
