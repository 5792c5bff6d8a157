-- Without IF NOT EXISTS: a schema that another session has made at this moment is examined first (state.sql), and not adopted.
CREATE SCHEMA p2pfk;

-- The first statement of a session that makes or upgrades the ledger. Its lock on the schema (ShareUpdateExclusiveLock) makes all
-- others wait until the end of the transaction; only the schema's owner can take it.
DO $name$
BEGIN
  COMMENT ON SCHEMA p2pfk IS 'Ledger of p2pfk: migrations from a parent-level to partition-to-partition foreign keys';
END
$name$;

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

-- Before this version, ledgers of several shapes called themselves version 1. This gives all of them the same shape; it checks
-- for each column first. Takes ACCESS EXCLUSIVE on the ledger's own tables: it waits for steps that are running.
DO $add$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute
                  WHERE attrelid OPERATOR(pg_catalog.=) 'p2pfk.migration'::regclass AND attname OPERATOR(pg_catalog.=) 'approval_asked_at' AND NOT attisdropped) THEN
    ALTER TABLE p2pfk.migration
      ADD COLUMN approval_asked_at timestamptz, ADD COLUMN approved_by text, ADD COLUMN rehearsal jsonb;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute
                  WHERE attrelid OPERATOR(pg_catalog.=) 'p2pfk.migration'::regclass AND attname OPERATOR(pg_catalog.=) 'plan' AND NOT attisdropped) THEN
    ALTER TABLE p2pfk.migration ADD COLUMN plan jsonb;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute
                  WHERE attrelid OPERATOR(pg_catalog.=) 'p2pfk.migration'::regclass AND attname OPERATOR(pg_catalog.=) 'firing' AND NOT attisdropped) THEN
    ALTER TABLE p2pfk.migration ADD COLUMN firing jsonb NOT NULL DEFAULT '[]';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute
                  WHERE attrelid OPERATOR(pg_catalog.=) 'p2pfk.pair'::regclass AND attname OPERATOR(pg_catalog.=) 'former_name' AND NOT attisdropped) THEN
    ALTER TABLE p2pfk.pair ADD COLUMN former_name text;
  END IF;
END
$add$;
ALTER TABLE p2pfk.migration ALTER COLUMN lease_until SET DEFAULT pg_catalog.now() OPERATOR(pg_catalog.+) interval '90 seconds';
COMMENT ON COLUMN p2pfk.migration.lease_until IS 'until then its owner counts as alive, also between two steps';
COMMENT ON COLUMN p2pfk.migration.rehearsal IS 'the verified drop, done and rolled back: when, milliseconds under lock, checks';
COMMENT ON COLUMN p2pfk.migration.plan IS
  'when it began: findings that the operator was told, the estimate, and how long a DELETE took under the parent FK';
COMMENT ON COLUMN p2pfk.migration.firing IS 'triggers of the parent FK that fire ALWAYS: relation and kind of each';
COMMENT ON COLUMN p2pfk.pair.former_name IS 'name of the pair FK before the drop of the parent FK gave it another; a rollback gives it back';
INSERT INTO p2pfk.ledger_version (version) VALUES (2);

-- Which database the ledger belongs to, which people acted on a migration, and how long each try held its locks. Takes ACCESS
-- EXCLUSIVE on the ledger's own tables: it waits for steps that are running.
CREATE TABLE p2pfk.identity (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  system_identifier text,
  database_oid      oid NOT NULL,
  database_name     text NOT NULL,
  endpoint          text NOT NULL,
  person            text,
  role              text NOT NULL DEFAULT current_user,
  linked_at         timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE p2pfk.identity IS
  'the databases that this ledger was linked to; the newest row is the one it belongs to, rows that differ in the endpoint alone are other ways to it';
COMMENT ON COLUMN p2pfk.identity.system_identifier IS
  'pg_control_system().system_identifier; copies of a cluster have the same one; null: the role that linked it may not ask';
COMMENT ON COLUMN p2pfk.identity.endpoint IS 'host and port that the client connected to, or several, as they were given; never a user or a password';
COMMENT ON COLUMN p2pfk.identity.person IS 'who linked it, as stated: not verified';
-- Who may read the migrations reads first whether they are this database's: an approver, for example.
DO $grant$
DECLARE
  readers text := (SELECT pg_catalog.string_agg(DISTINCT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC'
                                                              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END, ', ')
                     FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
                    WHERE c.oid OPERATOR(pg_catalog.=) 'p2pfk.migration'::pg_catalog.regclass
                      AND a.privilege_type OPERATOR(pg_catalog.=) 'SELECT' AND a.grantee OPERATOR(pg_catalog.<>) c.relowner);
BEGIN
  IF readers IS NOT NULL THEN
    EXECUTE pg_catalog.format('GRANT SELECT ON p2pfk.identity TO %s', readers);
  END IF;
END
$grant$;

ALTER TABLE p2pfk.migration
  ADD COLUMN endpoint text, ADD COLUMN liveness_key bigint, ADD COLUMN started_by text, ADD COLUMN reason text,
  ADD COLUMN approval_reason text, ADD COLUMN approved_login text,
  ADD COLUMN approval_withdrawn_at timestamptz, ADD COLUMN approval_withdrawn_by text, ADD COLUMN approval_withdrawn_reason text,
  ADD COLUMN approval_withdrawn_login text;
COMMENT ON COLUMN p2pfk.migration.endpoint IS 'host and port that its owner connected to';
COMMENT ON COLUMN p2pfk.migration.liveness_key IS
  'random key of the advisory lock that shows that its owner is alive, if a trusted login holds it; null: the owner is a state machine in AWS';
COMMENT ON COLUMN p2pfk.migration.started_by IS 'person who started it, as stated: not verified';
COMMENT ON COLUMN p2pfk.migration.reason IS 'why, for example a ticket';
COMMENT ON COLUMN p2pfk.migration.approved_by IS 'person who approved the drop, as stated: not verified';
COMMENT ON COLUMN p2pfk.migration.approved_login IS
  'session_user of the session that set approved_at, as its trigger noted it; an approver has no right to write it';
COMMENT ON COLUMN p2pfk.migration.approval_withdrawn_by IS 'person who took the last approval back, as stated: not verified';
COMMENT ON COLUMN p2pfk.migration.approval_withdrawn_login IS
  'session_user of the session that took the last approval back, as the trigger noted it; an approver has no right to write it';

ALTER TABLE p2pfk.event
  ADD COLUMN execution text, ADD COLUMN login text, ADD COLUMN person text, ADD COLUMN reason text, ADD COLUMN lock_held_ms double precision,
  ALTER COLUMN migration_id DROP NOT NULL;
-- Not as part of ADD COLUMN, which would write the role that upgrades the ledger into every row that is there.
ALTER TABLE p2pfk.event ALTER COLUMN login SET DEFAULT session_user;
COMMENT ON COLUMN p2pfk.event.migration_id IS 'null: it concerns the ledger itself, such as the statements that made it';
COMMENT ON COLUMN p2pfk.event.execution IS 'the execution that did it';
COMMENT ON COLUMN p2pfk.event.login IS 'role that had logged in; role is the one that it had become';
COMMENT ON COLUMN p2pfk.event.person IS 'person who asked for it, as stated: not verified';
COMMENT ON COLUMN p2pfk.event.lock_wait_ms IS 'how long its locks were waited for';
COMMENT ON COLUMN p2pfk.event.lock_held_ms IS
  'one row for each try, also a failed one: how long its locks blocked others at most, from the request of the first lock that blocks readers or writers to the end of the transaction';

CREATE TABLE p2pfk.running (
  object       oid PRIMARY KEY,
  migration_id bigint NOT NULL REFERENCES p2pfk.migration ON DELETE CASCADE,
  key          bigint NOT NULL,
  since        timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE p2pfk.running IS
  'which session may run a long statement on a table or constraint; a row counts while a trusted login holds the advisory lock of its key';
-- functions.sql has another one in its place.
DROP FUNCTION IF EXISTS p2pfk.owner_works(bigint, pg_catalog.text);
INSERT INTO p2pfk.ledger_version (version) VALUES (3);

-- What an approval was given for: the options of the migration at that moment. Takes ACCESS EXCLUSIVE on the ledger's table migration: it
-- waits for steps that are running. An approval from before is not known to be for anything, and has to be given again.
ALTER TABLE p2pfk.migration ADD COLUMN approved_options jsonb;
COMMENT ON COLUMN p2pfk.migration.approved_options IS
  'options as they were when it was approved, as the trigger noted them: the approval counts for a drop that does the same; null: not known';
-- functions.sql makes it anew, for the new column too.
DROP TRIGGER IF EXISTS approver ON p2pfk.migration;
INSERT INTO p2pfk.ledger_version (version) VALUES (4);

-- What the rows of a pair were proven by before the drop. Takes ACCESS EXCLUSIVE on the ledger's table pair: it waits for steps that are running.
-- Pairs from before have no proof, so the gate counts them.
ALTER TABLE p2pfk.pair ADD COLUMN proof jsonb;
COMMENT ON COLUMN p2pfk.pair.proof IS
  'the last scan of all rows that found no orphan: by (validate: this migration''s VALIDATE; count), at (its begin), triggers (those of the pair FK then, as p2pfk.triggers_of writes them); null: none';
INSERT INTO p2pfk.ledger_version (version) VALUES (5);

-- The ledger's functions. They are made again with each new version of the ledger, in its transaction: a change here needs a new
-- file in versions/, even an empty one, or databases keep the old function. OR REPLACE, because triggers of the guard depend on
-- one of them; state.sql has checked before that everything there can be trusted.
--
-- The check of the fence, with which every forward statement begins. FOR KEY SHARE, not FOR SHARE: it blocks the fence (FOR
-- UPDATE) until our transaction ends, but not heartbeats and the notes of other pairs (FOR NO KEY UPDATE).
CREATE OR REPLACE FUNCTION p2pfk.enter(wanted bigint, owner text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $enter$
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
  -- For p2pfk.record: the migration may have another owner by then.
  PERFORM set_config('p2pfk.execution', owner, true);
END
$enter$;

-- The entrance of every statement of a rollback: only behind the fence, only for its owner, and only until it is done: one
-- that comes late would put the parent FK back beside what a later migration has made.
CREATE OR REPLACE FUNCTION p2pfk.enter_rollback(wanted bigint, owner text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $enter$
DECLARE
  m record;
BEGIN
  SELECT fenced_at, execution, state INTO m FROM p2pfk.migration WHERE id = wanted FOR KEY SHARE;
  IF NOT FOUND OR m.fenced_at IS NULL OR m.execution <> owner OR m.state <> 'rolling-back' THEN
    RAISE EXCEPTION 'migration % is not being rolled back by %', wanted, owner USING ERRCODE = 'P2F01';
  END IF;
  PERFORM set_config('p2pfk.execution', owner, true);
END
$enter$;

-- Who approves or withdraws, when, and what was approved is written by the database, and not as the UPDATE says: the role that has logged in,
-- now, the options of this moment. So an approval counts for nothing else, however it was given (core/ledger/approval-check.ts). An approver
-- has no right to write these columns (sql/ledger-approver.sql), and cannot touch an approval that the drop has used: it is part of the record. The
-- ledger's owner could, and could drop the parent FK by hand as well.
CREATE OR REPLACE FUNCTION p2pfk.note_approver() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $approver$
BEGIN
  -- By a grant on columns alone: the owner, and who may UPDATE the table, write what they have to.
  IF NOT EXISTS (SELECT FROM pg_class c
                  WHERE c.oid = TG_RELID
                    AND (pg_has_role(c.relowner, 'USAGE')
                         OR EXISTS (SELECT FROM aclexplode(c.relacl) g
                                     WHERE g.privilege_type = 'UPDATE' AND (g.grantee = 0 OR pg_has_role(g.grantee, 'USAGE'))))) THEN
    IF OLD.dropped_at IS NOT NULL OR OLD.state <> 'running' AND OLD.state <> 'paused' THEN
      RAISE EXCEPTION 'migration % is past its drop or at its end: its approval cannot be changed', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- As stated people and reasons are bounded everywhere else.
    IF greatest(length(NEW.approved_by), length(NEW.approval_withdrawn_by)) > 200
       OR greatest(length(NEW.approval_reason), length(NEW.approval_withdrawn_reason)) > 500 THEN
      RAISE EXCEPTION 'a name of more than 200 or a reason of more than 500 characters' USING ERRCODE = 'string_data_right_truncation';
    END IF;
    NEW.updated_at := clock_timestamp();
  END IF;
  -- An approval that goes is a withdrawal, also where the UPDATE notes none; what is noted of the last one stays until then.
  IF OLD.approved_at IS NOT NULL AND NEW.approved_at IS NULL THEN
    IF NEW.approval_withdrawn_at IS NULL OR NEW.approval_withdrawn_at = OLD.approval_withdrawn_at THEN
      -- Name and reason would be those of another withdrawal.
      NEW.approval_withdrawn_by := NULL;
      NEW.approval_withdrawn_reason := NULL;
    END IF;
    NEW.approval_withdrawn_at := clock_timestamp();
    NEW.approval_withdrawn_login := session_user;
  ELSE
    NEW.approval_withdrawn_at := OLD.approval_withdrawn_at;
    NEW.approval_withdrawn_by := OLD.approval_withdrawn_by;
    NEW.approval_withdrawn_reason := OLD.approval_withdrawn_reason;
    NEW.approval_withdrawn_login := OLD.approval_withdrawn_login;
  END IF;
  IF NEW.approved_at IS NULL THEN
    NEW.approved_login := NULL;
    NEW.approved_options := NULL;
    NEW.approved_by := NULL;
    NEW.approval_reason := NULL;
  ELSIF NEW.approved_at = OLD.approved_at THEN
    NEW.approved_login := OLD.approved_login;
    NEW.approved_options := OLD.approved_options;
    -- Name and reason belong to the approval that they came with.
    NEW.approved_by := OLD.approved_by;
    NEW.approval_reason := OLD.approval_reason;
  ELSE
    -- An approval that takes the place of another one: that was of a person, and does not go without a trace.
    IF OLD.approved_at IS NOT NULL THEN
      NEW.approval_withdrawn_at := clock_timestamp();
      NEW.approval_withdrawn_login := session_user;
      NEW.approval_withdrawn_by := NEW.approved_by;
      NEW.approval_withdrawn_reason := 'another approval took its place';
    END IF;
    NEW.approved_at := clock_timestamp();
    NEW.approved_login := session_user;
    NEW.approved_options := NEW.options;
  END IF;
  RETURN NEW;
END
$approver$;

DO $trigger$
BEGIN
  -- CREATE OR REPLACE TRIGGER exists from 14 on.
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                  WHERE t.tgrelid OPERATOR(pg_catalog.=) 'p2pfk.migration'::pg_catalog.regclass AND t.tgname OPERATOR(pg_catalog.=) 'approver') THEN
    CREATE TRIGGER approver
      BEFORE UPDATE OF approved_at, approved_by, approved_login, approved_options, approval_reason, approval_withdrawn_at, approval_withdrawn_by, approval_withdrawn_login,
                       approval_withdrawn_reason, updated_at
      ON p2pfk.migration
      FOR EACH ROW EXECUTE FUNCTION p2pfk.note_approver();
    ALTER TABLE p2pfk.migration ENABLE ALWAYS TRIGGER approver;
  END IF;
END
$trigger$;

-- What the ledger says decides which statements run, with the rights of the role that migrates. A member of pg_write_all_data (14 and
-- newer) may write to every table, and no REVOKE changes that; so a row is admitted only by a grant. Row security would stop such a
-- member as well, and with it each pg_dump by a role that only reads. The triggers fire ALWAYS, also in sessions that may switch others
-- off, and for each row: a subscription fires no others. Before the trigger approver, by name, which writes a column more. A grant on columns admits a change of these columns alone: through a view
-- PostgreSQL asks for the rights of the view's owner, and current_user is the one who writes.
CREATE OR REPLACE FUNCTION p2pfk.admit_writer() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $writer$
DECLARE
  columns text[];
BEGIN
  IF NOT EXISTS (SELECT FROM pg_class c
                  WHERE c.oid = TG_RELID
                    AND (pg_has_role(c.relowner, 'USAGE')
                         OR EXISTS (SELECT FROM aclexplode(c.relacl) g
                                     WHERE g.privilege_type = TG_OP AND (g.grantee = 0 OR pg_has_role(g.grantee, 'USAGE'))))) THEN
    IF TG_OP = 'UPDATE' THEN
      SELECT array_agg(a.attname::text) INTO columns
        FROM pg_attribute a
       WHERE a.attrelid = TG_RELID AND NOT a.attisdropped
         AND EXISTS (SELECT FROM aclexplode(a.attacl) g
                      WHERE g.privilege_type = 'UPDATE' AND (g.grantee = 0 OR pg_has_role(g.grantee, 'USAGE')));
    END IF;
    IF columns IS NULL OR to_jsonb(NEW) - columns IS DISTINCT FROM to_jsonb(OLD) - columns THEN
      RAISE EXCEPTION 'permission denied for table %.%', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = format('No grant lets role "%s" write that; pg_write_all_data does not count for the ledger of p2pfk.', current_user),
              HINT = 'Write to it as its owner.';
    END IF;
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$writer$;

DO $trigger$
DECLARE
  statements text;
BEGIN
  SELECT pg_catalog.string_agg(
           pg_catalog.format('CREATE TRIGGER admit BEFORE INSERT OR UPDATE OR DELETE ON p2pfk.%1$I FOR EACH ROW EXECUTE FUNCTION p2pfk.admit_writer();'
                             ' ALTER TABLE p2pfk.%1$I ENABLE ALWAYS TRIGGER admit', t.name), '; ')
    INTO statements
    FROM pg_catalog.unnest(ARRAY['ledger_version', 'identity', 'migration', 'pair', 'event', 'running']) t(name)
   WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g
                      WHERE g.tgrelid OPERATOR(pg_catalog.=) pg_catalog.format('p2pfk.%I', t.name)::pg_catalog.regclass
                        AND g.tgname OPERATOR(pg_catalog.=) 'admit');
  IF statements IS NOT NULL THEN
    EXECUTE statements;
  END IF;
END
$trigger$;

-- Whether a session of this login counts as one of p2pfk's: the login may change a migration's row, or may become a role that
-- may. Any role that may connect can set an application_name and take an advisory lock, and pg_locks shows the keys that are held.
-- It is the login that counts: pg_stat_activity knows of no SET ROLE. By the grants, not by
-- has_table_privilege: that is true for members of pg_write_all_data, too.
CREATE OR REPLACE FUNCTION p2pfk.is_trusted_login(login oid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $trusted$
  SELECT EXISTS (SELECT 1
                   FROM (SELECT c.relowner AS role
                         UNION ALL
                         SELECT g.grantee FROM aclexplode(c.relacl) g WHERE g.privilege_type = 'UPDATE' AND g.grantee <> 0) w
                  -- 16 and newer: a member may have neither of the two.
                  WHERE pg_has_role(login, w.role, CASE WHEN current_setting('server_version_num')::int >= 160000
                                                        THEN 'SET, USAGE' ELSE 'MEMBER' END))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = 'p2pfk' AND c.relname = 'migration'
$trusted$;

-- Process id of the trusted session that holds an advisory lock on the key, or NULL. Sessions are read anew: within one
-- transaction PostgreSQL would answer with those of the first question.
CREATE OR REPLACE FUNCTION p2pfk.key_holder(key bigint) RETURNS int
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $holder$
  SELECT pg_stat_clear_snapshot();
  SELECT a.pid
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
   WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND ((l.classid::bigint << 32) | l.objid::bigint) = key
     AND p2pfk.is_trusted_login(a.usesysid)
   LIMIT 1
$holder$;

-- Process ids of the trusted sessions, other than this one, in which a step of the migration works. Statements that were left
-- running do not count: they are found again, whoever owns the migration then.
CREATE OR REPLACE FUNCTION p2pfk.step_sessions(migration bigint) RETURNS SETOF int
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $sessions$
  SELECT pg_stat_clear_snapshot();
  SELECT a.pid
    FROM pg_stat_activity a
   WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
     AND a.application_name LIKE 'p2pfk/' || migration || '/%'
     AND a.application_name NOT LIKE 'p2pfk/' || migration || '/run/%'
     AND p2pfk.is_trusted_login(a.usesysid)
$sessions$;

-- Process ids of all trusted sessions that are named as ours.
CREATE OR REPLACE FUNCTION p2pfk.our_sessions() RETURNS SETOF int
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $sessions$
  SELECT pg_stat_clear_snapshot();
  SELECT a.pid
    FROM pg_stat_activity a
   WHERE a.datname = current_database() AND a.application_name LIKE 'p2pfk/%' AND p2pfk.is_trusted_login(a.usesysid)
$sessions$;

-- Process ids of the sessions that show that the owner of a migration is at work: the one that holds its key, or, if it is a state
-- machine in AWS or a reconciliation, those of its steps. A local owner from before version 3 has no key, but a lock that its
-- name tells.
CREATE OR REPLACE FUNCTION p2pfk.owner_sessions(migration bigint, owner text, liveness_key bigint) RETURNS SETOF int
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $owner$
  SELECT h.pid FROM (SELECT p2pfk.key_holder(liveness_key) AS pid) h WHERE h.pid <> pg_backend_pid()
  UNION
  SELECT s.pid FROM p2pfk.step_sessions(migration) s(pid) WHERE owner NOT LIKE 'arn:aws:states:local:%'
  UNION
  SELECT a.pid
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
   WHERE liveness_key IS NULL AND owner LIKE 'arn:aws:states:local:%'
     AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND l.classid::bigint = 1882351216  -- 'p2fp'
     AND l.objid = (hashtext(owner)::bigint & 4294967295)::oid
     AND a.pid <> pg_backend_pid() AND p2pfk.is_trusted_login(a.usesysid)
$owner$;

-- Whether the owner of a migration is seen at work. All that decides comes as a parameter: where two executions meet, the second
-- one's UPDATE asks again with the row that the first one has written.
CREATE OR REPLACE FUNCTION p2pfk.owner_works(migration bigint, owner text, liveness_key bigint) RETURNS boolean
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $works$
  SELECT EXISTS (SELECT 1 FROM p2pfk.owner_sessions(migration, owner, liveness_key))
$works$;

-- Notes the statements of a transaction, in that transaction, just before its COMMIT: one row each, in their order. `statements` is a
-- list of {sql, duration_ms}; the first is the LOCK TABLE, whose row has the waits and how long others were blocked so far (held_ms,
-- null where its locks block no reader and no writer). When the locks were asked for and granted is in the settings p2pfk.began_at and
-- p2pfk.locked_at, because a session that validates may have lost its client. The locks are those that it holds now, from pg_locks;
-- where there are many statements and many locks, only the first row has them and the others an empty list.
CREATE OR REPLACE FUNCTION p2pfk.record_transaction(migration bigint, owner text, pair_number int, step text, statements jsonb,
                                                    held_ms double precision) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $record$
  WITH taken AS MATERIALIZED (
    SELECT coalesce(jsonb_agg(jsonb_build_object('relation', n.nspname || '.' || c.relname, 'mode', l.mode)
                              ORDER BY n.nspname, c.relname, l.mode), '[]') AS all_locks,
           count(*) * jsonb_array_length(statements) > 10000 AS too_many
      FROM pg_locks l
      JOIN pg_class c ON c.oid = l.relation
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
       AND c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'p2pfk')
  ), noted AS (
    INSERT INTO p2pfk.event (migration_id, execution, person, reason, pair, step, sql, locks, lock_wait_ms, lock_held_ms, duration_ms)
    SELECT migration, owner, w.person, w.reason, pair_number, step, s.statement ->> 'sql',
           CASE WHEN s.n > 1 AND taken.too_many THEN '[]' ELSE taken.all_locks END,
           CASE s.n WHEN 1 THEN extract(epoch FROM t.locked_at - t.began_at) * 1000 END,
           CASE s.n WHEN 1 THEN held_ms END,
           coalesce((s.statement ->> 'duration_ms')::double precision,
                    CASE s.n WHEN jsonb_array_length(statements) THEN extract(epoch FROM clock_timestamp() - t.locked_at) * 1000 END)
      FROM jsonb_array_elements(statements) WITH ORDINALITY s(statement, n)
     CROSS JOIN taken
     CROSS JOIN (SELECT current_setting('p2pfk.began_at')::timestamptz AS began_at,
                        current_setting('p2pfk.locked_at')::timestamptz AS locked_at) t
     -- The person is the one who started the execution that the migration has now.
      LEFT JOIN (SELECT m.options ->> 'by' AS person, m.options ->> 'reason' AS reason
                   FROM p2pfk.migration m WHERE m.id = migration AND m.execution = owner) w ON true
     ORDER BY s.n
    RETURNING id
  )
  SELECT min(id) FROM noted
$record$;

-- The triggers of a foreign key, as one text. It is another one after each change of one of them, also where ALTER TABLE ... DISABLE
-- TRIGGER was undone again: xmin, the transaction that wrote the row, is another one then. (VACUUM FREEZE leaves xmin as it is.)
CREATE OR REPLACE FUNCTION p2pfk.triggers_of(foreign_key oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $triggers$
  SELECT string_agg(concat_ws(' ', t.oid, t.xmin, t.tgenabled), ', ' ORDER BY t.oid) FROM pg_trigger t WHERE t.tgconstraint = foreign_key
$triggers$;

-- Notes that VALIDATE has just read all rows of a pair and found no orphan, in its transaction. Of which triggers, and since when, is in the
-- settings p2pfk.triggers and p2pfk.locked_at: the session that validates may have lost its client. Without triggers there was nothing left for
-- VALIDATE to read.
CREATE OR REPLACE FUNCTION p2pfk.note_validation(migration bigint, pair_number int) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $validation$
  UPDATE p2pfk.pair p
     SET proof = jsonb_build_object('by', 'validate', 'at', current_setting('p2pfk.locked_at')::timestamptz, 'triggers', current_setting('p2pfk.triggers'))
   WHERE p.migration_id = migration AND p.pair = pair_number AND current_setting('p2pfk.triggers') <> ''
$validation$;

-- What record_transaction was before version 3. A validation that an older edition left running calls it at its end.
CREATE OR REPLACE FUNCTION p2pfk.record(migration bigint, pair_number int, step text, sql text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $record$
  INSERT INTO p2pfk.event (migration_id, execution, person, reason, pair, step, sql, locks, lock_wait_ms, duration_ms)
  SELECT migration, w.execution, w.person, w.reason, pair_number, step, sql,
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
    LEFT JOIN LATERAL (
         -- The person is the one who started the execution that the migration has now.
         SELECT x.execution, CASE WHEN x.execution = m.execution THEN m.options ->> 'by' END AS person,
                CASE WHEN x.execution = m.execution THEN m.options ->> 'reason' END AS reason
           FROM p2pfk.migration m
          CROSS JOIN LATERAL (SELECT coalesce(nullif(current_setting('p2pfk.execution', true), ''), m.execution) AS execution) x
          WHERE m.id = migration) w ON true
$record$;

-- The row-movement guard (statements/create-row-movement-guard.sql), called for a row that would leave its leaf, TG_RELID, by
-- the bounds that held when the trigger was made, or by a bound that changes with each sibling (DEFAULT). What holds now
-- decides: a detached table takes every row, and the partition constraint is read as PostgreSQL prints it, under settings that
-- make the printing and the reading agree (pg_temp last: a temporary table's type must not pass for a built-in one).
--
-- Never SECURITY DEFINER: the constraint's operators may be the application's. Where the application's role may not use the
-- schema of a type in the constraint, or PostgreSQL cannot read what it prints (a domain over an enum), the UPDATE is refused:
-- that concerns a changed key in a DEFAULT partition alone, as every other WHEN clause knows what stays.
CREATE OR REPLACE FUNCTION p2pfk.refuse_row_movement() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET extra_float_digits = 1
SET DateStyle = 'ISO, YMD' SET IntervalStyle = postgres SET TimeZone = 'UTC' SET bytea_output = hex SET lc_monetary = 'C'
SET array_nulls = on SET transform_null_equals = off SET backslash_quote = safe_encoding SET quote_all_identifiers = off AS $guard$
DECLARE
  stays boolean;
BEGIN
  IF NOT (SELECT c.relispartition FROM pg_class c WHERE c.oid = TG_RELID) THEN
    RETURN NEW;
  END IF;
  BEGIN
    -- A DEFAULT partition without siblings has no constraint: it holds every row.
    EXECUTE 'SELECT ' || coalesce(pg_get_partition_constraintdef(TG_RELID), 'true') || ' FROM (SELECT ($1).*) AS new_row' INTO stays USING NEW;
  EXCEPTION WHEN syntax_error_or_access_rule_violation THEN  -- all of class 42
    stays := false;
  END;
  IF stays IS FALSE THEN
    RAISE EXCEPTION 'update would move a row of "%" to another partition', TG_TABLE_NAME
      USING ERRCODE = 'foreign_key_violation',
            DETAIL = 'Partition-to-partition foreign keys would run their ON DELETE action on its referencing rows.',
            HINT = 'Delete the row and insert it anew, or see the finding row-movement of p2pfk.';
  END IF;
  RETURN NEW;
END
$guard$;

-- Two views that show a DBA in psql what p2pfk audit shows on the command line. Run with the ledger's schema; safe to run again.
-- They are made again only when their text has changed (which the comment shows): a monitoring session that uses one of them must
-- not block a migration. Take no lock on any table of the application. Work on PostgreSQL 13 to 18.
DO $views$
DECLARE
  edition CONSTANT text := 'View of p2pfk, edition 3. ';
BEGIN
  -- Not by obj_description(): on 13 that is SQL without schemas, run under the path of now.
  IF EXISTS (SELECT FROM pg_catalog.pg_description d
              WHERE d.objoid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('p2pfk.delete_activity')
                AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid OPERATOR(pg_catalog.=) 0
                AND d.description OPERATOR(pg_catalog.~~) (edition OPERATOR(pg_catalog.||) '%')) THEN
    RETURN;
  END IF;
  DROP VIEW IF EXISTS p2pfk.foreign_key_architecture, p2pfk.delete_activity;

  -- One row for each leaf of a migrated table and each foreign key of that shape on it; one row with kind NULL where it
  -- has none. `drift` is NULL where all is well.
  CREATE VIEW p2pfk.foreign_key_architecture AS
  WITH RECURSIVE tree AS (
    SELECT m.id, s.side, s.oid
      FROM p2pfk.migration m
     CROSS JOIN LATERAL (VALUES ('referencing', m.table_oid), ('referenced', m.referenced_oid)) s(side, oid)
     WHERE m.state OPERATOR(pg_catalog.<>) 'rolled-back'
    UNION ALL
    SELECT t.id, t.side, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) t.oid
  ), leaf AS (
    SELECT t.id, c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound
      FROM tree t
      JOIN pg_class c ON c.oid OPERATOR(pg_catalog.=) t.oid AND c.relkind OPERATOR(pg_catalog.<>) 'p'
      JOIN pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
     WHERE t.side OPERATOR(pg_catalog.=) 'referencing'
  )
  SELECT m.table_name, m.constraint_name AS parent_foreign_key, l.name AS partition, l.bound,
         CASE WHEN r.relkind OPERATOR(pg_catalog.=) 'p' THEN 'parent' WHEN r.relkind OPERATOR(pg_catalog.=) 'r' THEN 'partition' END AS kind,
         f.conname::text AS foreign_key,
         CASE WHEN r.oid IS NOT NULL THEN pg_catalog.format('%I.%I', rn.nspname, r.relname) END AS referenced,
         f.valid, f.enforced, i.relname::text AS index_name, k.pair IS NOT NULL AS in_ledger,
         CASE
           WHEN f.oid IS NULL THEN 'no foreign key'
           WHEN NOT f.enforced THEN 'not enforced'
           WHEN NOT f.valid THEN 'not validated'
           WHEN r.relkind OPERATOR(pg_catalog.=) 'r' AND k.referenced_oid OPERATOR(pg_catalog.<>) f.confrelid THEN 'wrong target'
           WHEN i.relname IS NULL THEN 'no index'
         END AS drift
    FROM leaf l
    JOIN p2pfk.migration m ON m.id OPERATOR(pg_catalog.=) l.id
    LEFT JOIN LATERAL (
         SELECT c.oid, c.conname, c.confrelid, c.convalidated AS valid,
                coalesce((pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'conenforced')::boolean, true)  -- column of 18+
                  AND (SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>=) 2 AND pg_catalog.bool_and(g.tgenabled OPERATOR(pg_catalog.=) ANY ('{O,A}'::pg_catalog."char"[]))
                         FROM pg_trigger g WHERE g.tgconstraint OPERATOR(pg_catalog.=) c.oid) AS enforced
           FROM pg_constraint c
           JOIN tree t ON t.id OPERATOR(pg_catalog.=) l.id AND t.side OPERATOR(pg_catalog.=) 'referenced' AND t.oid OPERATOR(pg_catalog.=) c.confrelid
          WHERE c.conrelid OPERATOR(pg_catalog.=) l.oid AND c.contype OPERATOR(pg_catalog.=) 'f' AND (c.conparentid OPERATOR(pg_catalog.=) 0 OR c.confrelid OPERATOR(pg_catalog.=) m.referenced_oid)
            AND (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY a.attname)
                   FROM pg_catalog.unnest(c.conkey) u(attnum) JOIN pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.conrelid AND a.attnum OPERATOR(pg_catalog.=) u.attnum)
                OPERATOR(pg_catalog.=) (SELECT pg_catalog.jsonb_agg(e ORDER BY e COLLATE pg_catalog."C") FROM pg_catalog.jsonb_array_elements_text(m.column_names) e)) f ON true
    LEFT JOIN LATERAL (
         SELECT p.pair, p.referenced_oid
           FROM p2pfk.pair p
          WHERE p.migration_id OPERATOR(pg_catalog.=) l.id AND p.referencing_oid OPERATOR(pg_catalog.=) l.oid
          ORDER BY p.referenced_oid OPERATOR(pg_catalog.=) f.confrelid DESC NULLS LAST, p.pair DESC
          LIMIT 1) k ON true
    LEFT JOIN pg_class r ON r.oid OPERATOR(pg_catalog.=) f.confrelid
    LEFT JOIN pg_namespace rn ON rn.oid OPERATOR(pg_catalog.=) r.relnamespace
    CROSS JOIN LATERAL (SELECT l.oid AS leaf, m.column_names AS names, f.oid AS fk) w
    -- The index rule: the same text as in catalog/pair-indexes.sql, and a test compares them.
    --
    -- An index serves if the lookup of a referential action, `$1 = column AND ...`, can use it for every column that tells rows of
    -- this leaf apart. It is valid, btree (or hash), and begins with those columns, in any order; columns that a bound of one value
    -- makes constant may be missing. For each column its operator family holds the FK's equality operator, and its collation is the
    -- one that the FK compares with. A predicate says no more than that FK columns are not null, which `$1 = column` implies. A
    -- unique index on some of the FK's columns serves, too.
    LEFT JOIN LATERAL (
         WITH RECURSIVE ancestry(child, parent) AS (
           SELECT i.inhrelid, i.inhparent FROM pg_inherits i WHERE i.inhrelid OPERATOR(pg_catalog.=) w.leaf
           UNION ALL
           SELECT i.inhrelid, i.inhparent
             FROM ancestry a CROSS JOIN LATERAL (SELECT i.inhrelid, i.inhparent FROM pg_inherits i WHERE i.inhrelid OPERATOR(pg_catalog.=) a.parent OFFSET 0) i
         ), single(attname) AS (
           SELECT a.attname
             FROM ancestry s
             JOIN pg_class c ON c.oid OPERATOR(pg_catalog.=) s.child
             JOIN pg_partitioned_table p ON p.partrelid OPERATOR(pg_catalog.=) s.parent AND p.partnatts OPERATOR(pg_catalog.=) 1
             JOIN pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) p.partrelid AND a.attnum OPERATOR(pg_catalog.=) (p.partattrs::int2[])[0]
            CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound) b
            CROSS JOIN LATERAL (
                  SELECT pg_catalog.regexp_match(b.bound, $re$^FOR VALUES FROM \('?(-?[0-9]+)'?\) TO \('?(-?[0-9]+)'?\)$$re$) AS limits) m
            WHERE CASE
                    WHEN p.partstrat OPERATOR(pg_catalog.=) 'l' THEN b.bound OPERATOR(pg_catalog.~) $re$^FOR VALUES IN \((E?'([^']|'')*'|[^,()'[:space:]]+)\)$$re$
                                  AND b.bound OPERATOR(pg_catalog.<>) 'FOR VALUES IN (NULL)'
                    WHEN p.partstrat OPERATOR(pg_catalog.=) 'r'
                      THEN a.atttypid OPERATOR(pg_catalog.=) ANY ('{21,23,20}'::oid[]) AND m.limits[2]::numeric OPERATOR(pg_catalog.=) (m.limits[1]::numeric OPERATOR(pg_catalog.+) 1)  -- int2, int4, int8
                    ELSE false END
         ), compared AS (
           SELECT e.n, a.attnum, a.attname, o.operator, coalesce(rc.oid, a.attcollation) AS coll,
                  EXISTS (SELECT FROM single s WHERE s.attname OPERATOR(pg_catalog.=) a.attname) AS constant,
                  -- The lookup casts a column whose type has no such operator: only an index on that expression serves.
                  CASE WHEN q.oprright OPERATOR(pg_catalog.<>) t.base AND qt.typtype OPERATOR(pg_catalog.<>) 'p'
                            AND NOT EXISTS (SELECT FROM pg_cast k
                                             WHERE k.castsource OPERATOR(pg_catalog.=) t.base AND k.casttarget OPERATOR(pg_catalog.=) q.oprright AND k.castmethod OPERATOR(pg_catalog.=) 'b')
                       THEN pg_catalog.format('((%I)::%s)', a.attname, pg_catalog.format_type(q.oprright, NULL)) END AS expression,
                  CASE WHEN qt.oid IS NOT NULL THEN pg_catalog.format('((%I)::%I.%I)', a.attname, qn.nspname, qt.typname) END AS built,
                  CASE WHEN rc.oid OPERATOR(pg_catalog.<>) a.attcollation THEN pg_catalog.format(' COLLATE %I.%I', rcn.nspname, rc.collname) ELSE '' END AS collate
             FROM pg_catalog.jsonb_array_elements_text(w.names) WITH ORDINALITY e(name, n)
             JOIN pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) w.leaf AND a.attname OPERATOR(pg_catalog.=) e.name::name
             JOIN pg_type ty ON ty.oid OPERATOR(pg_catalog.=) a.atttypid
            CROSS JOIN LATERAL (SELECT CASE WHEN ty.typtype OPERATOR(pg_catalog.=) 'd' THEN ty.typbasetype ELSE ty.oid END AS base) t
             LEFT JOIN pg_constraint c ON c.oid OPERATOR(pg_catalog.=) w.fk
             LEFT JOIN pg_attribute own ON own.attrelid OPERATOR(pg_catalog.=) c.conrelid AND own.attname OPERATOR(pg_catalog.=) a.attname
            CROSS JOIN LATERAL (SELECT pg_catalog.array_position(c.conkey, own.attnum) AS position) x
            CROSS JOIN LATERAL (SELECT c.conpfeqop[x.position] AS operator) o
             LEFT JOIN pg_operator q ON q.oid OPERATOR(pg_catalog.=) o.operator
             LEFT JOIN pg_type qt ON qt.oid OPERATOR(pg_catalog.=) q.oprright
             LEFT JOIN pg_namespace qn ON qn.oid OPERATOR(pg_catalog.=) qt.typnamespace
             LEFT JOIN pg_attribute ra ON ra.attrelid OPERATOR(pg_catalog.=) c.confrelid AND ra.attnum OPERATOR(pg_catalog.=) c.confkey[x.position]
             LEFT JOIN pg_collation rc ON rc.oid OPERATOR(pg_catalog.=) ra.attcollation AND NOT rc.collisdeterministic
             LEFT JOIN pg_namespace rcn ON rcn.oid OPERATOR(pg_catalog.=) rc.collnamespace
         ), looked_up AS (
           SELECT c.*, NOT c.constant OR NOT EXISTS (SELECT FROM compared o WHERE NOT o.constant) AS tells_apart FROM compared c
         )
         SELECT (SELECT ic.relname
                   FROM pg_index x
                   JOIN pg_class ic ON ic.oid OPERATOR(pg_catalog.=) x.indexrelid
                   JOIN pg_am am ON am.oid OPERATOR(pg_catalog.=) ic.relam AND am.amname OPERATOR(pg_catalog.=) ANY ('{btree,hash}'::name[])
                  CROSS JOIN LATERAL (
                        SELECT pg_catalog.count(DISTINCT l.attnum) FILTER (WHERE l.leads AND l.tells_apart)
                                 OPERATOR(pg_catalog.=) (SELECT pg_catalog.count(*) FROM looked_up d WHERE d.tells_apart)
                               OR x.indisunique AND x.indimmediate AND pg_catalog.bool_and(l.leads OR l.n OPERATOR(pg_catalog.>) x.indnkeyatts)
                                  AND pg_catalog.bool_or(l.leads AND l.tells_apart) AS serves
                          FROM (SELECT k.n, d.attnum, d.tells_apart,
                                       pg_catalog.bool_and(d.attnum IS NOT NULL AND k.n OPERATOR(pg_catalog.<=) x.indnkeyatts) OVER (ORDER BY k.n) AS leads
                                  FROM unnest(x.indkey::int2[], x.indclass::oid[], x.indcollation::oid[])
                                       WITH ORDINALITY k(attnum, opclass, coll, n)
                                  LEFT JOIN pg_opclass oc ON oc.oid OPERATOR(pg_catalog.=) k.opclass
                                  LEFT JOIN looked_up d
                                    ON (k.attnum OPERATOR(pg_catalog.=) d.attnum AND d.expression IS NULL
                                        OR k.attnum OPERATOR(pg_catalog.=) 0 AND pg_catalog.pg_get_indexdef(x.indexrelid, k.n::int, false) OPERATOR(pg_catalog.=) d.expression)
                                   AND k.coll OPERATOR(pg_catalog.=) ANY (ARRAY[d.coll, 0])
                                   AND CASE WHEN d.operator IS NULL THEN oc.opcdefault
                                            ELSE (SELECT true FROM pg_amop ao
                                                          WHERE ao.amopfamily OPERATOR(pg_catalog.=) oc.opcfamily AND ao.amopopr OPERATOR(pg_catalog.=) d.operator AND ao.amoppurpose OPERATOR(pg_catalog.=) 's'
                                                            AND ao.amopstrategy OPERATOR(pg_catalog.=) CASE WHEN am.amname OPERATOR(pg_catalog.=) 'hash' THEN 1 ELSE 3 END)
                                       END) l) v
                  WHERE x.indrelid OPERATOR(pg_catalog.=) w.leaf AND x.indisvalid AND x.indisready AND x.indislive AND v.serves
                    AND (x.indpred IS NULL
                         OR pg_catalog.regexp_replace(
                              pg_catalog.regexp_replace(pg_catalog.pg_get_expr(x.indpred, x.indrelid),
                                             (SELECT pg_catalog.string_agg(pg_catalog.format($re$\(%s IS NOT NULL\)$re$,
                                                                       pg_catalog.regexp_replace(pg_catalog.quote_ident(d.attname), '([^[:alnum:]_" ])', $re$\\\1$re$, 'g')), '|')
                                                FROM looked_up d), '', 'g'),
                              '[() ]|AND', '', 'g') OPERATOR(pg_catalog.=) '')
                  ORDER BY ic.relname
                  LIMIT 1) AS relname,
                -- As SQL that means the same under any search_path.
                (SELECT pg_catalog.string_agg(CASE WHEN d.expression IS NULL THEN pg_catalog.quote_ident(d.attname) OPERATOR(pg_catalog.||) d.collate ELSE d.built END, ', ' ORDER BY d.n)
                   FROM looked_up d) AS columns
         ) i ON true
    -- End of the index rule.
   ORDER BY m.table_name, l.name, f.conname;

  -- Deletes on the partitions of both sides since the statistics were last reset. Scans of a referencing partition that
  -- grow with the deletes on its partner tell that a cascade has no index to go by.
  CREATE VIEW p2pfk.delete_activity AS
  WITH RECURSIVE tree AS (
    SELECT DISTINCT s.side, s.oid, s.root
      FROM p2pfk.migration m
     CROSS JOIN LATERAL (VALUES ('referencing', m.table_oid, m.table_name),
                                ('referenced', m.referenced_oid, m.referenced_name)) s(side, oid, root)
     WHERE m.state OPERATOR(pg_catalog.<>) 'rolled-back'
    UNION ALL
    SELECT t.side, i.inhrelid, t.root FROM tree t JOIN pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) t.oid
  )
  SELECT t.root AS table_name, t.side, pg_catalog.format('%I.%I', s.schemaname, s.relname) AS partition,
         s.n_tup_del AS deletes,
         CASE WHEN (s.n_live_tup OPERATOR(pg_catalog.+) s.n_dead_tup) OPERATOR(pg_catalog.<>) 0
              THEN pg_catalog.round(s.n_tup_del::numeric OPERATOR(pg_catalog./) (s.n_live_tup OPERATOR(pg_catalog.+) s.n_dead_tup), 2) END AS delete_ratio,
         s.n_live_tup AS live_rows, s.n_dead_tup AS dead_rows,
         s.seq_scan AS sequential_scans, s.idx_scan AS index_scans,
         s.last_vacuum, s.last_autovacuum, d.stats_reset AS counted_since
    FROM tree t
    JOIN pg_stat_user_tables s ON s.relid OPERATOR(pg_catalog.=) t.oid
    JOIN pg_class c ON c.oid OPERATOR(pg_catalog.=) t.oid AND c.relkind OPERATOR(pg_catalog.=) 'r'
    LEFT JOIN pg_stat_database d ON d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   ORDER BY s.n_tup_del DESC, 3;

  EXECUTE pg_catalog.format('COMMENT ON VIEW p2pfk.foreign_key_architecture IS %L',
                 edition OPERATOR(pg_catalog.||) 'Which foreign keys guard each referencing partition, and what is wrong with them');
  EXECUTE pg_catalog.format('COMMENT ON VIEW p2pfk.delete_activity IS %L',
                 edition OPERATOR(pg_catalog.||) 'Deletes on the partitions of migrated tables');
END
$views$;

-- Revokes what ALTER DEFAULT PRIVILEGES of the ledger's owner gives others on its new tables beyond what state.sql accepts, in
-- the transaction that makes them; SELECT stays. What an extension adds is not ours.
DO $withdraw$
DECLARE
  statements text;
BEGIN
  SELECT pg_catalog.string_agg(r.sql, '; ') INTO statements FROM (
    SELECT pg_catalog.format('REVOKE CREATE ON SCHEMA p2pfk FROM %s', g.name)
      FROM pg_catalog.pg_namespace n
     CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
     CROSS JOIN LATERAL (SELECT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC'
                                     ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text) END) g(name)
     WHERE n.nspname OPERATOR(pg_catalog.=) 'p2pfk' AND a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
       AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner
    UNION ALL
    SELECT pg_catalog.format('REVOKE %s ON TABLE p2pfk.%I FROM %s', a.privilege_type, c.relname, g.name)
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
     CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
     CROSS JOIN LATERAL (SELECT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC'
                                     ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text) END) g(name)
     WHERE n.nspname OPERATOR(pg_catalog.=) 'p2pfk' AND a.grantee OPERATOR(pg_catalog.<>) c.relowner
       AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'v', 'S']::"char"[])
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) c.oid
                          AND d.deptype OPERATOR(pg_catalog.=) 'e')
       -- All others, also those that a later version of PostgreSQL adds: MAINTAIN (17) would let them lock the tables.
       AND a.privilege_type OPERATOR(pg_catalog.<>) 'SELECT'
  ) r(sql);
  IF statements IS NOT NULL THEN
    EXECUTE statements;
  END IF;
END
$withdraw$;
