-- The ledger, version 1. One text for SQLite and PostgreSQL: types that both know, times as Unix
-- milliseconds, booleans as 0 and 1, JSON as text. Times of leases are the machine's (on PostgreSQL the
-- server's); all others are the cloud's, which on a sandbox may stand still.

CREATE TABLE run (
  id               TEXT   NOT NULL PRIMARY KEY,
  kind             TEXT   NOT NULL,             -- which entry of the registry rebuilds its steps
  plan_version     BIGINT NOT NULL,
  tenant           TEXT   NOT NULL,
  subject          TEXT   NOT NULL,             -- immutable id of whom it is about, '' for nobody
  info             TEXT   NOT NULL,             -- whom it is about, as results name them
  args             TEXT   NOT NULL,             -- what the registry needs; sealed by the caller where secret
  vals             TEXT   NOT NULL,             -- what steps leave for each other
  state            TEXT   NOT NULL,
  detail           TEXT   NOT NULL DEFAULT '',
  not_before       BIGINT NOT NULL DEFAULT 0,
  next_at          BIGINT NOT NULL DEFAULT 0,   -- parked until then
  deadline         BIGINT NOT NULL DEFAULT 0,   -- not to be begun after this; 0: whenever
  owner            TEXT   NOT NULL DEFAULT '',
  epoch            BIGINT NOT NULL DEFAULT 0,   -- one more with each claim; fences out who was before
  lease_until      BIGINT NOT NULL DEFAULT 0,
  nudged_at        BIGINT NOT NULL DEFAULT 0,   -- when a queue beside the ledger was last told of it; 0: it was claimed since
  cancel_requested BIGINT NOT NULL DEFAULT 0,
  failures         BIGINT NOT NULL DEFAULT 0,   -- how often in a row its steps could not be rebuilt
  created_at       BIGINT NOT NULL,
  created_by       TEXT   NOT NULL DEFAULT '',
  approval         TEXT   NOT NULL DEFAULT '',
  proof            TEXT   NOT NULL DEFAULT '',  -- what makes the approval believable: a signature
  parent_id        TEXT   NOT NULL DEFAULT '',
  call_key         TEXT   NOT NULL DEFAULT ''   -- names the call that made it, so that it is made once
);

-- Two runs of one kind on one subject would interleave.
CREATE UNIQUE INDEX run_alone ON run (tenant, subject, kind) WHERE state = 'running' AND subject <> '';
CREATE INDEX run_due ON run (next_at) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX run_call ON run (call_key) WHERE call_key <> '';
CREATE INDEX run_parent ON run (parent_id) WHERE parent_id <> '';

CREATE TABLE step (
  run_id       TEXT   NOT NULL REFERENCES run (id),
  idx          BIGINT NOT NULL,
  name         TEXT   NOT NULL,
  class        TEXT   NOT NULL,
  needs        TEXT   NOT NULL,
  change       TEXT   NOT NULL,                 -- as it was shown and approved
  state        TEXT   NOT NULL,
  attempt      BIGINT NOT NULL DEFAULT 0,       -- calls begun, ever
  tries        BIGINT NOT NULL DEFAULT 0,       -- calls begun since a person last asked for it
  intent_at    BIGINT NOT NULL DEFAULT 0,
  next_at      BIGINT NOT NULL DEFAULT 0,
  before_image TEXT   NOT NULL DEFAULT '',      -- written once, never by a redo
  op_handle    TEXT   NOT NULL DEFAULT '',
  result       TEXT   NOT NULL DEFAULT '',
  error_class  TEXT   NOT NULL DEFAULT '',
  error        TEXT   NOT NULL DEFAULT '',
  PRIMARY KEY (run_id, idx),
  UNIQUE (run_id, name)
);

CREATE TABLE attempt (
  run_id     TEXT   NOT NULL,
  idx        BIGINT NOT NULL,
  n          BIGINT NOT NULL,
  epoch      BIGINT NOT NULL,
  owner      TEXT   NOT NULL,
  intent_at  BIGINT NOT NULL,
  request_id TEXT   NOT NULL,
  ended_at   BIGINT NOT NULL DEFAULT 0,         -- 0: nobody lived to tell
  outcome    TEXT   NOT NULL DEFAULT '',
  PRIMARY KEY (run_id, idx, n)
);

CREATE TABLE audit (
  seq       BIGINT NOT NULL PRIMARY KEY,
  run_id    TEXT   NOT NULL,
  at        BIGINT NOT NULL,
  who       TEXT   NOT NULL,
  what      TEXT   NOT NULL,
  prev_hash TEXT   NOT NULL,
  hash      TEXT   NOT NULL
);
CREATE INDEX audit_run ON audit (run_id);

-- Standing grants: what an operator signed once for runners that nobody watches.
CREATE TABLE standing_grant (
  id         TEXT   NOT NULL PRIMARY KEY,
  body       TEXT   NOT NULL,                   -- what was signed
  proof      TEXT   NOT NULL,                   -- the signature
  quota      BIGINT NOT NULL,
  used       BIGINT NOT NULL DEFAULT 0,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL DEFAULT 0
);

-- What holds for all runs, such as that nothing may be written now.
CREATE TABLE setting (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);
