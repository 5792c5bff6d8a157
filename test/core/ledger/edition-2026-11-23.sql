-- The ledger: what was asked, what was done, by whom, under which locks. It explains and it fences; what is DONE is
-- always read from the catalog. Safe to run again. Takes no lock on any table of the application.
CREATE SCHEMA IF NOT EXISTS p2pfk;
COMMENT ON SCHEMA p2pfk IS 'Ledger of p2pfk: migrations from a parent-level to partition-to-partition foreign keys';

CREATE TABLE IF NOT EXISTS p2pfk.ledger_version (
  version    int PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS p2pfk.migration (
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
  state                   text NOT NULL CHECK (state IN
                            ('running', 'paused', 'migrated', 'rolling-back', 'rolled-back')),
  execution               text NOT NULL,
  options                 jsonb NOT NULL,
  role                    text NOT NULL DEFAULT current_user,
  started_at              timestamptz NOT NULL DEFAULT now(),
  updated_at              timestamptz NOT NULL DEFAULT now(),
  lease_until             timestamptz NOT NULL DEFAULT now() + interval '1 minute',
  approved_at             timestamptz,
  fenced_at               timestamptz,
  dropped_at              timestamptz,
  finished_at             timestamptz,
  locked_ms               double precision,
  verification            jsonb,
  error                   jsonb
);
COMMENT ON COLUMN p2pfk.migration.definition IS 'pg_get_constraintdef of the parent FK, schema-qualified, as it was';
COMMENT ON COLUMN p2pfk.migration.execution IS 'the execution that owns the migration; steps of any other are refused';
COMMENT ON COLUMN p2pfk.migration.lease_until IS 'until then its owner counts as alive, where nothing better tells';
COMMENT ON COLUMN p2pfk.migration.fenced_at IS 'since then no forward DDL may run';
-- One open migration for each constraint; the insert of a second fails, whoever comes at the same moment.
CREATE UNIQUE INDEX IF NOT EXISTS migration_open
  ON p2pfk.migration (table_oid, constraint_name) WHERE state <> 'rolled-back';

CREATE TABLE IF NOT EXISTS p2pfk.pair (
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
  state                text NOT NULL DEFAULT 'planned' CHECK (state IN
                         ('planned', 'indexed', 'added', 'validated', 'restored', 'rolled-back')),
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

CREATE TABLE IF NOT EXISTS p2pfk.event (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  migration_id bigint NOT NULL REFERENCES p2pfk.migration ON DELETE CASCADE,
  pair         int,
  at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  role         text NOT NULL DEFAULT current_user,
  step         text NOT NULL,
  sql          text,
  locks        jsonb,
  lock_wait_ms double precision,
  duration_ms  double precision,
  error        text
);
COMMENT ON COLUMN p2pfk.event.locks IS 'relation and mode of every lock that the transaction held before its COMMIT, from pg_locks';
CREATE INDEX IF NOT EXISTS event_migration ON p2pfk.event (migration_id, id);

-- The fence at the entrance of every forward statement. FOR KEY SHARE, not FOR SHARE: it stops the fence (FOR UPDATE)
-- until our transaction ends, and lets heartbeats and the notes of other pairs (FOR NO KEY UPDATE) pass meanwhile.
CREATE OR REPLACE FUNCTION p2pfk.enter(wanted bigint, owner text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $enter$
DECLARE
  m record;
BEGIN
  SELECT fenced_at, execution, state INTO m FROM p2pfk.migration WHERE id = wanted FOR KEY SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'migration % is not in the ledger', wanted USING ERRCODE = 'P2F01';
  ELSIF m.fenced_at IS NOT NULL THEN
    RAISE EXCEPTION 'migration % was fenced at %: no forward step may run', wanted, m.fenced_at USING ERRCODE = 'P2F01';
  ELSIF m.execution <> owner THEN
    RAISE EXCEPTION 'migration % is now owned by %', wanted, m.execution USING ERRCODE = 'P2F01';
  END IF;
END
$enter$;

-- The entrance of every statement of a rollback: only behind the fence, and only for its owner.
CREATE OR REPLACE FUNCTION p2pfk.enter_rollback(wanted bigint, owner text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $enter$
DECLARE
  m record;
BEGIN
  SELECT fenced_at, execution INTO m FROM p2pfk.migration WHERE id = wanted FOR KEY SHARE;
  IF NOT FOUND OR m.fenced_at IS NULL OR m.execution <> owner THEN
    RAISE EXCEPTION 'migration % is not being rolled back by %', wanted, owner USING ERRCODE = 'P2F01';
  END IF;
END
$enter$;

-- Notes a statement, in its own transaction, with the locks held before COMMIT. The session that ran it may have lost
-- its client, so what it measured is found in the setting p2pfk.locked_at: when the lock was granted.
CREATE OR REPLACE FUNCTION p2pfk.record(migration bigint, pair_number int, step text, sql text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $record$
  INSERT INTO p2pfk.event (migration_id, pair, step, sql, locks, lock_wait_ms, duration_ms)
  SELECT migration, pair_number, step, sql,
         (SELECT jsonb_agg(jsonb_build_object('relation', n.nspname || '.' || c.relname, 'mode', l.mode)
                           ORDER BY n.nspname, c.relname, l.mode)
            FROM pg_locks l
            JOIN pg_class c ON c.oid = l.relation
            JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
             AND c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'p2pfk')),
         extract(epoch FROM t.locked_at - t.began_at) * 1000,
         extract(epoch FROM clock_timestamp() - t.locked_at) * 1000
    FROM (SELECT current_setting('p2pfk.began_at')::timestamptz AS began_at,
                 current_setting('p2pfk.locked_at')::timestamptz AS locked_at) t
$record$;

INSERT INTO p2pfk.ledger_version (version) VALUES (1) ON CONFLICT DO NOTHING;
