-- The ledger: what was requested, what was done, by whom, under which locks. It explains and it fences; what is DONE is always
-- read from the catalog. Runs once, in an empty schema p2pfk: without IF NOT EXISTS, which would adopt a table that another role
-- has made. Takes no lock on any table of the application.
CREATE TABLE p2pfk.ledger_version (
  version    int PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

CREATE TABLE p2pfk.migration (
  id                      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  table_oid               oid NOT NULL,
  table_name              text NOT NULL,
  referenced_oid          oid NOT NULL,
  referenced_name         text NOT NULL,
  constraint_name         text NOT NULL,
  definition              text NOT NULL,
  comment                 text,
  columns                 text NOT NULL,
  referenced_columns      text NOT NULL,
  column_names            jsonb NOT NULL,
  referenced_column_names jsonb NOT NULL,
  actions                 text NOT NULL,
  state                   text NOT NULL CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY[
                            'running', 'paused', 'migrated', 'rolling-back', 'rolled-back'])),
  execution               text NOT NULL,
  options                 jsonb NOT NULL,
  role                    text NOT NULL DEFAULT current_user,
  started_at              timestamptz NOT NULL DEFAULT pg_catalog.now(),
  updated_at              timestamptz NOT NULL DEFAULT pg_catalog.now(),
  lease_until             timestamptz NOT NULL DEFAULT pg_catalog.now() OPERATOR(pg_catalog.+) interval '90 seconds',
  approval_asked_at       timestamptz,
  approved_at             timestamptz,
  approved_by             text,
  rehearsal               jsonb,
  fenced_at               timestamptz,
  dropped_at              timestamptz,
  finished_at             timestamptz,
  locked_ms               double precision,
  verification            jsonb,
  error                   jsonb
);
COMMENT ON COLUMN p2pfk.migration.definition IS 'pg_get_constraintdef of the parent FK, schema-qualified, as it was';
COMMENT ON COLUMN p2pfk.migration.execution IS 'the execution that owns the migration; steps of any other are refused';
COMMENT ON COLUMN p2pfk.migration.lease_until IS 'until then its owner counts as alive, also between two steps';
COMMENT ON COLUMN p2pfk.migration.rehearsal IS 'the verified drop, done and rolled back: when, milliseconds under lock, checks';
COMMENT ON COLUMN p2pfk.migration.fenced_at IS 'since then no forward DDL may run';
-- One open migration for each constraint; the insert of a second fails, whoever comes at the same moment.
CREATE UNIQUE INDEX migration_open
  ON p2pfk.migration (table_oid, constraint_name) WHERE state OPERATOR(pg_catalog.<>) 'rolled-back';

CREATE TABLE p2pfk.pair (
  migration_id         bigint NOT NULL REFERENCES p2pfk.migration ON DELETE CASCADE,
  pair                 int NOT NULL,
  referencing_oid      oid NOT NULL,
  referencing          text NOT NULL,
  referenced_oid       oid NOT NULL,
  referenced           text NOT NULL,
  bound                text NOT NULL,
  rows                 bigint NOT NULL,
  bytes                bigint NOT NULL,
  constraint_name      text NOT NULL,
  constraint_added     boolean NOT NULL DEFAULT false,
  index_name           text NOT NULL,
  index_added          boolean NOT NULL DEFAULT false,
  root_constraint      text,
  state                text NOT NULL DEFAULT 'planned' CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY[
                         'planned', 'indexed', 'added', 'validated', 'restored', 'rolled-back'])),
  attempts             int NOT NULL DEFAULT 0,
  last_error           text,
  lock_wait_ms         double precision NOT NULL DEFAULT 0,
  index_ms             double precision,
  add_ms               double precision,
  validate_ms          double precision,
  orphans              bigint,
  orphans_counted_at   timestamptz,
  PRIMARY KEY (migration_id, pair)
);
COMMENT ON COLUMN p2pfk.pair.constraint_added IS 'added by this migration: a rollback drops it';
COMMENT ON COLUMN p2pfk.pair.root_constraint IS 'name of the parent FK''s own child on the referencing partition';

CREATE TABLE p2pfk.event (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  migration_id bigint NOT NULL REFERENCES p2pfk.migration ON DELETE CASCADE,
  pair         int,
  at           timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  role         text NOT NULL DEFAULT current_user,
  step         text NOT NULL,
  sql          text,
  locks        jsonb,
  lock_wait_ms double precision,
  duration_ms  double precision,
  error        text
);
COMMENT ON COLUMN p2pfk.event.locks IS 'relation and mode of every lock that the transaction held before its COMMIT, from pg_locks';
CREATE INDEX event_migration ON p2pfk.event (migration_id, id);
INSERT INTO p2pfk.ledger_version (version) VALUES (1);
