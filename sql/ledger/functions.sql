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
  -- By a grant on columns alone: the owner, and who may UPDATE the table, write what they have to. The query reads the grants as of the
  -- transaction's snapshot, which may be old; has_table_privilege reads them as they are now.
  IF NOT (has_table_privilege(TG_RELID, 'UPDATE')
          AND EXISTS (SELECT FROM pg_class c
                       WHERE c.oid = TG_RELID
                         AND (pg_has_role(c.relowner, 'USAGE')
                              OR EXISTS (SELECT FROM aclexplode(c.relacl) g
                                          WHERE g.privilege_type = 'UPDATE' AND (g.grantee = 0 OR pg_has_role(g.grantee, 'USAGE')))))) THEN
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
  -- The grants are read by queries, so as of the transaction's snapshot; at REPEATABLE READ one may have been revoked since. Of other roles
  -- has_table_privilege says what is granted now. Of members of pg_write_all_data it says nothing.
  IF current_setting('transaction_isolation') <> 'read committed' AND current_setting('is_superuser') <> 'on' THEN
    IF EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'pg_write_all_data' AND pg_has_role(r.oid, 'USAGE')) THEN
      RAISE EXCEPTION 'permission denied for table %.%', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = format('Role "%s" is a member of pg_write_all_data, which does not count for the ledger of p2pfk; what is granted to it besides is seen at READ COMMITTED alone.', current_user),
              HINT = 'Write to it in a transaction at READ COMMITTED.';
    END IF;
  END IF;
  IF NOT (has_table_privilege(TG_RELID, TG_OP)
          AND EXISTS (SELECT FROM pg_class c
                       WHERE c.oid = TG_RELID
                         AND (pg_has_role(c.relowner, 'USAGE')
                              OR EXISTS (SELECT FROM aclexplode(c.relacl) g
                                          WHERE g.privilege_type = TG_OP AND (g.grantee = 0 OR pg_has_role(g.grantee, 'USAGE')))))) THEN
    IF TG_OP = 'UPDATE' THEN
      SELECT array_agg(a.attname::text) INTO columns
        FROM pg_attribute a
       WHERE a.attrelid = TG_RELID AND NOT a.attisdropped AND has_column_privilege(TG_RELID, a.attnum, 'UPDATE')
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
  -- Not relispartition of pg_class: a query reads the catalog as of the transaction's snapshot, which at REPEATABLE READ may be older than
  -- ATTACH PARTITION, while PostgreSQL chooses the row's partition by the catalog as it is now. So do these two functions.
  IF pg_partition_root(TG_RELID) IS NULL THEN
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
