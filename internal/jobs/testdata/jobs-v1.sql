CREATE TABLE schema_version (version BIGINT NOT NULL);
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
CREATE TABLE standing_grant (
  id         TEXT   NOT NULL PRIMARY KEY,
  body       TEXT   NOT NULL,                   -- what was signed
  proof      TEXT   NOT NULL,                   -- the signature
  quota      BIGINT NOT NULL,
  used       BIGINT NOT NULL DEFAULT 0,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE setting (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER attempt_once BEFORE UPDATE ON attempt WHEN OLD.ended_at <> 0 BEGIN SELECT RAISE(ABORT, 'an attempt ends once'); END;
CREATE TRIGGER attempt_no_delete BEFORE DELETE ON attempt BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;
INSERT INTO schema_version VALUES (1);
INSERT INTO run VALUES ('old', 'test', 0, 'tenant', '', '{"id":"old","tool":"test","tenantId":"tenant","tenant":""}', '{}', '{}', 'running', '', 0, 0, 0, '6714-68e8dca8-f3a8-4cfa-a1a8-344827b00c57', 1, 1773327615000, 0, 0, 0, 1773327600000, 'somebody', '', '', '', '');
INSERT INTO step VALUES ('old', 0, 'block', 'idempotent', 'null', '{"step":"block","summary":"do block","before":"a","after":"b"}', 'done', 1, 1, 1773327600000, 0, '', '', '', '', '');
INSERT INTO step VALUES ('old', 1, 'forward', 'verifiable', 'null', '{"step":"forward","summary":"do forward","before":"a","after":"b"}', 'intent', 1, 1, 1773327600000, 0, '', '', '', '', '');
INSERT INTO step VALUES ('old', 2, 'mail', 'blind', '["forward"]', '{"step":"mail","summary":"do mail","before":"a","after":"b"}', 'pending', 0, 0, 0, 0, '', '', '', '', '');
INSERT INTO step VALUES ('old', 3, 'licence', 'idempotent', 'null', '{"step":"licence","summary":"do licence","before":"a","after":"b"}', 'pending', 0, 0, 0, 0, '', '', '', '', '');
INSERT INTO attempt VALUES ('old', 0, 1, 1, '6714-68e8dca8-f3a8-4cfa-a1a8-344827b00c57', 1773327600000, 'ead4f9c2-8535-4700-9312-c5a3365d7746', 1773327600000, 'answered');
INSERT INTO attempt VALUES ('old', 1, 1, 1, '6714-68e8dca8-f3a8-4cfa-a1a8-344827b00c57', 1773327600000, '5ec42a52-10fd-4b5d-acb3-2f65563ac625', 0, '');
INSERT INTO audit VALUES (1, 'old', 1773327600000, 'somebody', '{"event":"created","tool":"test","tenant":"tenant"}', '', '0253103496bcd5810848f03408df8c7f0fb88201d161e8a367df51a59060d383');
INSERT INTO audit VALUES (2, 'old', 1773327600000, '6714-68e8dca8-f3a8-4cfa-a1a8-344827b00c57', '{"event":"intent","step":"block","attempt":1,"epoch":1,"from":"pending","state":"intent","before":"a","after":"b","request":"ead4f9c2-8535-4700-9312-c5a3365d7746"}', '0253103496bcd5810848f03408df8c7f0fb88201d161e8a367df51a59060d383', '50a62338133415ec2b8814ae1156bdb6f2c67f1c198da1762e8b9b1c4a869ec8');
INSERT INTO audit VALUES (3, 'old', 1773327600000, '6714-68e8dca8-f3a8-4cfa-a1a8-344827b00c57', '{"event":"step","step":"block","attempt":1,"epoch":1,"from":"intent","state":"done"}', '50a62338133415ec2b8814ae1156bdb6f2c67f1c198da1762e8b9b1c4a869ec8', '10eb3ea2bd3770f52c4786aff1b20c8f23b03fcb098ced53c1aa4121fd556bbd');
INSERT INTO audit VALUES (4, 'old', 1773327600000, '6714-68e8dca8-f3a8-4cfa-a1a8-344827b00c57', '{"event":"intent","step":"forward","attempt":1,"epoch":1,"from":"pending","state":"intent","before":"a","after":"b","request":"5ec42a52-10fd-4b5d-acb3-2f65563ac625"}', '10eb3ea2bd3770f52c4786aff1b20c8f23b03fcb098ced53c1aa4121fd556bbd', 'd05c7f3f1591bea0465d629ed917b7c387dce80b7050050911bcbc6ab83c08d4');
