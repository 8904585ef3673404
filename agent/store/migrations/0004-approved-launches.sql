-- What was approved where a policy rule pins the launch: the launch as it was when the rule first approved this entry. A later change is seen against it.
CREATE TABLE approved_launch (
  server TEXT PRIMARY KEY,
  rule TEXT NOT NULL,
  launch_hash TEXT NOT NULL,
  approved_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
