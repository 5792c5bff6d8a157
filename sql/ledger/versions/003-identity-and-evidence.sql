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
-- functions.sql has another one in its place. Where an object of another role depends on it, such as a view, it stays: nothing of ours calls
-- it, and drift.sql admits it.
DO $drop$
BEGIN
  DROP FUNCTION IF EXISTS p2pfk.owner_works(bigint, pg_catalog.text);
EXCEPTION WHEN dependent_objects_still_exist THEN
  NULL;
END
$drop$;
INSERT INTO p2pfk.ledger_version (version) VALUES (3);
