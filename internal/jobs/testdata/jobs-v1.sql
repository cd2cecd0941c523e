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
  parent_id        TEXT   NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX run_alone ON run (tenant, subject, kind) WHERE state = 'running' AND subject <> '';
CREATE INDEX run_due ON run (next_at) WHERE state IN ('queued', 'running');
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
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER attempt_once BEFORE UPDATE ON attempt WHEN OLD.ended_at <> 0 BEGIN SELECT RAISE(ABORT, 'an attempt ends once'); END;
CREATE TRIGGER attempt_no_delete BEFORE DELETE ON attempt BEGIN SELECT RAISE(ABORT, 'attempts are append-only'); END;
INSERT INTO schema_version VALUES (1);
INSERT INTO run VALUES ('old', 'test', 0, 'tenant', '', '{"id":"old","tool":"test","tenantId":"tenant","tenant":""}', '{}', '{}', 'running', '', 0, 0, 0, '22347-3b0c3a58-1d3f-40d9-b73c-07252d6ab9de', 1, 1773327615000, 0, 0, 0, 1773327600000, 'somebody', '', '');
INSERT INTO step VALUES ('old', 0, 'block', 'idempotent', 'null', '{"step":"block","summary":"do block","before":"a","after":"b"}', 'done', 1, 1, 1773327600000, 0, '', '', '', '', '');
INSERT INTO step VALUES ('old', 1, 'forward', 'verifiable', 'null', '{"step":"forward","summary":"do forward","before":"a","after":"b"}', 'intent', 1, 1, 1773327600000, 0, '', '', '', '', '');
INSERT INTO step VALUES ('old', 2, 'mail', 'blind', '["forward"]', '{"step":"mail","summary":"do mail","before":"a","after":"b"}', 'pending', 0, 0, 0, 0, '', '', '', '', '');
INSERT INTO step VALUES ('old', 3, 'licence', 'idempotent', 'null', '{"step":"licence","summary":"do licence","before":"a","after":"b"}', 'pending', 0, 0, 0, 0, '', '', '', '', '');
INSERT INTO attempt VALUES ('old', 0, 1, 1, '22347-3b0c3a58-1d3f-40d9-b73c-07252d6ab9de', 1773327600000, 'd447c33a-e02a-4dc7-be1c-ce520a5ff771', 1773327600000, 'answered');
INSERT INTO attempt VALUES ('old', 1, 1, 1, '22347-3b0c3a58-1d3f-40d9-b73c-07252d6ab9de', 1773327600000, '7e9393c8-f3b7-4ce1-9c43-017ba67fdef8', 0, '');
INSERT INTO audit VALUES (1, 'old', 1773327600000, 'somebody', '{"event":"created","detail":"test"}', '', '630ee1c059b69b35b7f3f0732c92b24a35b6222962e7249ace9e3e5b0828b309');
INSERT INTO audit VALUES (2, 'old', 1773327600000, '22347-3b0c3a58-1d3f-40d9-b73c-07252d6ab9de', '{"event":"intent","step":"block","attempt":1,"epoch":1,"from":"pending","state":"intent","before":"a","after":"b","request":"d447c33a-e02a-4dc7-be1c-ce520a5ff771"}', '630ee1c059b69b35b7f3f0732c92b24a35b6222962e7249ace9e3e5b0828b309', '5d6960146821284607038119c3a3a012eb66125b3f421b8bf60b8cc9fb0463b1');
INSERT INTO audit VALUES (3, 'old', 1773327600000, '22347-3b0c3a58-1d3f-40d9-b73c-07252d6ab9de', '{"event":"step","step":"block","attempt":1,"epoch":1,"from":"intent","state":"done"}', '5d6960146821284607038119c3a3a012eb66125b3f421b8bf60b8cc9fb0463b1', 'ca59423b368396f8c4d93de811de682b7196e328425ce1b8e03948b36f0c367f');
INSERT INTO audit VALUES (4, 'old', 1773327600000, '22347-3b0c3a58-1d3f-40d9-b73c-07252d6ab9de', '{"event":"intent","step":"forward","attempt":1,"epoch":1,"from":"pending","state":"intent","before":"a","after":"b","request":"7e9393c8-f3b7-4ce1-9c43-017ba67fdef8"}', 'ca59423b368396f8c4d93de811de682b7196e328425ce1b8e03948b36f0c367f', '4b9b78f4410775535adeaf702f78c3b0f56b44f7ac17d5c424759be208f2c8e1');
