-- The database role by which p2pfk's functions migrate, and what it needs. Run it in the database as the master user (RDS,
-- Aurora) or a superuser; safe to run again:
--
--   psql -v role=p2pfk -v table=public.path -f sql/aws-role.sql
--
-- If the table has several foreign keys to partitioned tables: add -v constraint=NAME of the one to be migrated.
-- For a ledger that a team shares (docs/security.md): add -v ledger_owner=team.
-- For a password in Secrets Manager instead of IAM tokens: add -v iam=off, then \password p2pfk. To take it all back: DROP OWNED BY and DROP ROLE, after
-- the ledger (schema p2pfk) was given to another role with REASSIGN OWNED, or is not needed any more.
--
-- Each grant is tried first, in a transaction that is rolled back. Where one is refused that is needed, the script changes nothing,
-- prints the ways out, and ends with exit code 3.
\set ON_ERROR_STOP on
\set SHOW_CONTEXT never
-- Nothing below is looked up in a schema where another role may create objects: this role may do everything. Only the table's name
-- means what it means to the caller.
SELECT :'table'::pg_catalog.regclass::pg_catalog.oid AS table_oid \gset
SET search_path = pg_catalog, pg_temp;
-- What is printed is made to be copied, and may hold names that another role has chosen.
\ir psql/control/unprintable.sql
\if :{?iam}
\else
  \set iam on
\endif
\if :{?ledger_owner}
\else
  \set ledger_owner ''
\endif
\if :{?constraint}
\else
  \set constraint ''
\endif

-- The one foreign key, as migrate chooses it; and no superuser is granted to anyone: a table that another one references may be theirs. A role that
-- may run programs or use files of the server can become a superuser, as PostgreSQL's documentation says, so it counts as one.
SELECT count(*) <> 1 AS is_unclear, coalesce(min(k.oid::int8), 0)::oid AS fk_oid,
       count(*) AS keys, string_agg(quote_ident(k.conname), ', ' ORDER BY k.conname) AS names
  FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid AND r.relkind = 'p'
 WHERE k.conrelid = :'table_oid'::oid AND k.contype = 'f' AND k.conparentid = 0 AND (:'constraint' = '' OR k.conname = :'constraint') \gset
\if :is_unclear
SELECT format('p2pfk: nothing was changed: %s has %s to a partitioned table%s', :'table_oid'::regclass,
              CASE WHEN :keys = 0 THEN 'no such foreign key' ELSE format('%s foreign keys (%s)', :keys, :'names') END,
              CASE WHEN :keys = 0 THEN '' ELSE ': choose the one to be migrated with -v constraint=NAME' END) AS unclear \gset
SELECT set_config('p2pfk.unclear', regexp_replace(:'unclear', :'unprintable', '?', 'g'), false) AS ignored \gset
DO $stop$ BEGIN RAISE EXCEPTION '%', current_setting('p2pfk.unclear') USING ERRCODE = 'invalid_parameter_value'; END $stop$;
\endif
SELECT count(*) > 0 AS is_of_superuser,
       min(format('p2pfk: nothing was changed: %s %s, whom this script grants to no role: %s', t.what,
                  CASE WHEN s.oid = t.role AND s.rolsuper THEN format('a superuser (%I)', s.rolname)
                       WHEN s.rolsuper THEN format('%I, a member of a superuser (%I)', pg_get_userbyid(t.role), s.rolname)
                       ELSE format('%I, a member of %I, which is as good as a superuser', pg_get_userbyid(t.role), s.rolname) END, t.remedy)) AS of_superuser
  FROM (SELECT format('%s belongs to', part.relid::regclass) AS what, c.relowner AS role,
               'give the tables to a role of their own first (ALTER TABLE ... OWNER TO)' AS remedy
          FROM pg_constraint k
         CROSS JOIN LATERAL (SELECT relid FROM pg_partition_tree(k.conrelid) UNION SELECT relid FROM pg_partition_tree(k.confrelid)) AS part
          JOIN pg_class c ON c.oid = part.relid
         WHERE k.oid = :'fk_oid'::oid
         UNION ALL
        SELECT 'ledger_owner is', r.oid, 'choose a role of its own' FROM pg_roles r WHERE r.rolname = :'ledger_owner') t
  -- A member of a superuser can become it, and a member of such a member, too.
  JOIN pg_roles s ON (s.rolsuper OR s.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))
                 AND pg_has_role(t.role, s.oid, 'MEMBER')
 WHERE pg_get_userbyid(t.role) <> :'role' \gset
\if :is_of_superuser
SELECT set_config('p2pfk.unclear', regexp_replace(:'of_superuser', :'unprintable', '?', 'g'), false) AS ignored \gset
DO $stop$ BEGIN RAISE EXCEPTION '%', current_setting('p2pfk.unclear') USING ERRCODE = 'insufficient_privilege'; END $stop$;
\endif

-- What is granted, the harmless first. `creator`: who gets CREATE on the database; `owner`: whose member the role becomes. `risk`: why it is
-- not granted, although this login could: before 16 a role with CREATEROLE may grant every role that is no superuser, and so may its members, by
-- SET ROLE.
SELECT coalesce(json_agg(json_build_object('statement', g.statement, 'needed', g.needed, 'creator', g.creator, 'owner', g.owner, 'risk', g.risk)
                         ORDER BY g.place, g.statement), '[]') AS grants
  FROM (
    SELECT 1 AS place, true AS needed, NULL AS creator, NULL::oid AS owner, NULL AS risk, format('CREATE ROLE %I LOGIN', :'role') AS statement
     WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role')
    UNION ALL
    -- The ledger: a schema of its own, which the first plan creates. A role that may do so already, such as the database's owner, needs no grant.
    SELECT 2, true, needs.role, NULL, NULL, format('GRANT CONNECT, CREATE ON DATABASE %I TO %I', current_database(), needs.role)
      FROM (SELECT :'role'
             UNION
            SELECT :'ledger_owner' WHERE :'ledger_owner' <> '') AS needs(role)
      LEFT JOIN pg_roles r ON r.rolname = needs.role
     WHERE r.oid IS NULL OR NOT (has_database_privilege(r.oid, current_database(), 'CREATE')
                                 AND has_database_privilege(r.oid, current_database(), 'CONNECT'))
    UNION ALL
    -- To see what other sessions do: who holds a lock that is waited for, how far standbys are behind, how many are active. For
    -- the login by IAM token: rds_iam exists on RDS and Aurora only; with it no password is taken any more. For a team: the role
    -- that owns tables and ledger, to which the functions SET ROLE (ledgerOwner of the stack). And the owners of both tables and
    -- of all their partitions: ALTER TABLE, CREATE INDEX and VALIDATE are an owner's. That is the widest of its rights, and there
    -- is no narrower one in PostgreSQL.
    SELECT t.place, t.needed, NULL, t.owner, m.risk, format('GRANT %I TO %I', t.target, :'role')
      FROM (SELECT 3 AS place, false AS needed, NULL::oid AS owner, 'pg_monitor'::name AS target
             UNION ALL
            SELECT 4, true, NULL, rolname FROM pg_roles WHERE rolname = 'rds_iam' AND :'iam' = 'on'
             UNION ALL
            SELECT 5, true, NULL, :'ledger_owner' WHERE :'ledger_owner' <> ''
             UNION
            SELECT 6, true, c.relowner, pg_get_userbyid(c.relowner)
              FROM pg_constraint k
             CROSS JOIN LATERAL (SELECT relid FROM pg_partition_tree(k.conrelid)
                                 UNION SELECT relid FROM pg_partition_tree(k.confrelid)) AS part
              JOIN pg_class c ON c.oid = part.relid
             WHERE k.oid = :'fk_oid'::oid) AS t
      LEFT JOIN pg_roles r ON r.rolname = :'role'
     CROSS JOIN LATERAL (
           SELECT min(format('%I has CREATEROLE', c.rolname)) AS risk
             FROM pg_roles c
            WHERE t.place IN (5, 6) AND c.rolcreaterole AND current_setting('server_version_num')::int < 160000
              AND pg_has_role(t.target, c.oid, 'MEMBER')) AS m
     WHERE t.target <> :'role' AND (r.oid IS NULL OR NOT pg_has_role(r.oid, t.target, 'USAGE'))
  ) AS g \gset

BEGIN;
-- A warning of the server says no more than what is found out below, and has names as they are.
SET LOCAL client_min_messages = error;
SELECT set_config('p2pfk.grants', :'grants', true) AS grants \gset
DO $try$
DECLARE
  item record;
  refused jsonb := '[]';
  problem text;
BEGIN
  FOR item IN SELECT * FROM json_to_recordset(current_setting('p2pfk.grants')::json)
                         AS g(statement text, needed boolean, creator text, owner oid, risk text) LOOP
    problem := item.risk;
    BEGIN
      IF problem IS NULL THEN EXECUTE item.statement; END IF;
      -- To grant what one may not is a warning as long as one has any right on the database oneself.
      IF NOT has_database_privilege(item.creator, current_database(), 'CREATE') THEN
        problem := format('this login may not grant CREATE on database %I', current_database());
      END IF;
    EXCEPTION WHEN insufficient_privilege OR invalid_grant_operation THEN
      problem := SQLERRM;
    END;
    IF problem IS NOT NULL THEN
      refused := refused || jsonb_build_object('statement', item.statement, 'needed', item.needed, 'owner', item.owner, 'problem', problem, 'risk', item.risk);
    END IF;
    -- Nothing can be granted to a role that is not there.
    EXIT WHEN problem IS NOT NULL AND item.statement LIKE 'CREATE ROLE %';
  END LOOP;
  PERFORM set_config('p2pfk.refused', refused::text, true);
END
$try$;
SELECT current_setting('p2pfk.refused') AS refused \gset
ROLLBACK;

SELECT EXISTS (SELECT FROM json_to_recordset(:'refused') AS r(needed boolean) WHERE r.needed) AS is_refused,
       EXISTS (SELECT FROM json_to_recordset(:'refused') AS r(owner oid) WHERE r.owner IS NOT NULL) AS is_owner_refused,
       EXISTS (SELECT FROM json_to_recordset(:'refused') AS r(risk text) WHERE r.risk IS NOT NULL) AS is_risk,
       -- Without its quotes a message of the server is no SQL: it cannot end the comment, nor begin a name.
       (SELECT string_agg(format('  %s;  -- %s', r.statement, translate(regexp_replace(r.problem, :'unprintable', '?', 'g'), '"''', '')), E'\n')
          FROM json_to_recordset(:'refused') AS r(statement text, problem text, needed boolean) WHERE r.needed) AS needed,
       (SELECT string_agg(format('  %s;  -- %s', r.statement, translate(regexp_replace(r.problem, :'unprintable', '?', 'g'), '"''', '')), E'\n')
          FROM json_to_recordset(:'refused') AS r(statement text, problem text, needed boolean) WHERE NOT r.needed) AS not_needed \gset
\if :is_refused
\set text :needed
\ir psql/control/visible-sql.sql
\set needed_label :visible
\if :is_risk
  \echo 'Nothing was changed: the functions would become as good as a superuser.'
  \echo :needed_label
  \echo
  \echo 'Before PostgreSQL 16 a role with CREATEROLE may grant itself every role that is no superuser, also those that run programs on the server,'
  \echo 'and so may its members. Tables and ledger_owner have to belong to roles without it.'
\else
  \echo 'Nothing was changed: this login may not do what is needed.'
  \echo :needed_label
  \echo
  \echo 'A superuser, or a role that has each of these roles WITH ADMIN OPTION, may run this file.'
\endif
\if :is_owner_refused
-- Who owns the tables of the foreign key. `of_others`: those that belong to another role than the table itself.
SELECT count(DISTINCT one.relowner) = 1 AS is_one_owner,
       (SELECT concat_ws(E'\n', string_agg(format('  %s belongs to %I', o.relid::regclass, pg_get_userbyid(o.relowner)), E'\n' ORDER BY o.n) FILTER (WHERE o.n <= 5),
                         CASE WHEN count(*) > 5 THEN format('  and %s more', count(*) - 5) END)
          FROM (SELECT p.relid, c.relowner, row_number() OVER (ORDER BY p.relid::regclass::text) AS n
                  FROM pg_constraint f
                 CROSS JOIN LATERAL (SELECT relid FROM pg_partition_tree(f.conrelid) UNION SELECT relid FROM pg_partition_tree(f.confrelid)) AS p
                  JOIN pg_class c ON c.oid = p.relid
                 WHERE f.oid = k.oid AND c.relowner <> root.relowner) AS o) AS of_others,
       quote_ident(pg_get_userbyid(root.relowner)) AS root_owner, root.oid::regclass AS root
  FROM pg_constraint k
  JOIN pg_class root ON root.oid = k.conrelid
 CROSS JOIN LATERAL (SELECT relid FROM pg_partition_tree(k.conrelid) UNION SELECT relid FROM pg_partition_tree(k.confrelid)) AS part
  JOIN pg_class one ON one.oid = part.relid
 WHERE k.oid = :'fk_oid'::oid
 GROUP BY k.oid, root.oid, root.relowner \gset
\if :is_one_owner
-- From PostgreSQL 16 on no role may grant itself, so a master user that owns the tables cannot make another role a member of
-- itself; before 16 it must not, because it has CREATEROLE. It can if a role without login owns them: it creates that role, and so
-- may grant it. The present owner stays a member, and keeps its rights; no other role becomes one. In one transaction, as CREATE ROLE may fail,
-- and the statements behind it would mean the role of that name. The name is a free one, no longer than 63 bytes.
SELECT concat_ws(E'\n', 'BEGIN;', 'SET LOCAL statement_timeout = ''1s'';', 'SET LOCAL idle_in_transaction_session_timeout = ''10s'';',
       format('CREATE ROLE %I NOLOGIN;', o.name),
       format('GRANT %I TO %I;', o.name, pg_get_userbyid(c.relowner)),
       (SELECT string_agg(DISTINCT format('GRANT USAGE, CREATE ON SCHEMA %I TO %I;', n.nspname, o.name), E'\n')
          FROM pg_constraint k
         CROSS JOIN LATERAL (SELECT relid FROM pg_partition_tree(k.conrelid) UNION SELECT relid FROM pg_partition_tree(k.confrelid)) AS t
          JOIN pg_class one ON one.oid = t.relid
          JOIN pg_namespace n ON n.oid = one.relnamespace
         WHERE k.oid = :'fk_oid'::oid),
       (SELECT format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE;', string_agg(DISTINCT t.oid::regclass::text, ', '))
          FROM pg_constraint k CROSS JOIN LATERAL (VALUES (k.conrelid), (k.confrelid)) AS t(oid)
         WHERE k.oid = :'fk_oid'::oid),
       string_agg(format('ALTER TABLE %s OWNER TO %I;', part.relid::regclass, o.name), E'\n' ORDER BY part.level, part.relid), 'COMMIT;') AS text,
       -- A word of the shell, which runs what is in double quotes.
       regexp_replace(CASE WHEN pg_get_userbyid(c.relowner) ~ '^[A-Za-z0-9_]+$' THEN pg_get_userbyid(c.relowner)::text
                           ELSE format('''%s''', replace(pg_get_userbyid(c.relowner), '''', '''\''''')) END, :'unprintable', '?', 'g') AS owner_label,
       regexp_replace(format('%I', o.name), :'unprintable', '?', 'g') AS new_owner
  FROM pg_class c
  JOIN pg_namespace cn ON cn.oid = c.relnamespace
 CROSS JOIN LATERAL (
       SELECT f.name
         FROM generate_series(1, (SELECT count(*) + 1 FROM pg_roles)) AS s(n)
        CROSS JOIN LATERAL (SELECT CASE s.n WHEN 1 THEN '_owner' ELSE format('_owner_%s', s.n) END AS suffix) AS e
        CROSS JOIN LATERAL (SELECT format('%s_%s', cn.nspname, c.relname) AS base) AS b
        CROSS JOIN LATERAL (
              SELECT left(b.base, max(l.n)) || e.suffix AS name
                FROM generate_series(1, 63) AS l(n)
               WHERE octet_length(left(b.base, l.n)) + octet_length(e.suffix) <= 63) AS f
        WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = f.name)
        ORDER BY s.n
        LIMIT 1) AS o
 CROSS JOIN LATERAL (
       SELECT DISTINCT t.relid, t.level
         FROM pg_constraint k
        CROSS JOIN LATERAL (SELECT relid, level FROM pg_partition_tree(k.conrelid)
                            UNION ALL SELECT relid, level FROM pg_partition_tree(k.confrelid)) AS t
        WHERE k.oid = :'fk_oid'::oid) AS part
 WHERE c.oid = :'table_oid'::oid
 GROUP BY c.oid, c.relname, c.relowner, o.name \gset
\ir psql/control/visible-sql.sql
\set statements_label :visible
  \echo
\if :is_risk
  \echo 'The way out: a role without login owns the tables, and their present owner and the functions are members of it.'
\else
  \echo 'Without one there are two ways out. The first: a role without login owns the tables, and their present owner and the functions are'
  \echo 'members of it.'
\endif
  \echo 'The owner ':owner_label' keeps its rights; the functions gain those of an owner on these tables; no other role gains any. It takes an'
  \echo 'AccessExclusiveLock on all of the tables for an instant, and gives up after one second, with nothing changed; run it again then. As'
  \echo 'the present owner with CREATEROLE, or as a superuser:'
  \echo
  \echo :statements_label
  \echo
\if :is_risk
  \echo 'Then run this file again.'
\else
  \echo 'Then run this file again, as the same role. The second: the functions connect as the owner, and nothing has to be granted. Put its'
  \echo 'password into a secret under the key password, and into the settings of the stack "user" and "secretArn" (no resourceId):'
  \echo
  \echo '  psql -v iam=off -v role=':owner_label' ... -f sql/aws-role.sql'
\endif
\else
SELECT regexp_replace(:'of_others', :'unprintable', '?', 'g') AS of_others_label, regexp_replace(:'root_owner', :'unprintable', '?', 'g') AS root_owner_label,
       regexp_replace(:'root', :'unprintable', '?', 'g') AS root_label \gset
  \echo
  \echo 'The tables belong to several roles, of which no one may gain the rights of another, so no statements are printed here.' :root_label
  \echo 'belongs to' :root_owner_label', and'
  \echo :of_others_label
  \echo 'The owner of each of these decides: it gives it to' :root_owner_label '(ALTER TABLE ... OWNER TO), or has itself granted to the functions by a role that may'
  \echo 'do so. Then run this file again.'
\endif
\endif
DO $stop$ BEGIN RAISE EXCEPTION 'p2pfk: a grant that is needed was refused; nothing was changed' USING ERRCODE = 'insufficient_privilege'; END $stop$;
\endif

BEGIN;
SET LOCAL client_min_messages = error;
SELECT g.statement
  FROM ROWS FROM (json_to_recordset(:'grants') AS (statement text)) WITH ORDINALITY AS g(statement, n)
 WHERE g.statement NOT IN (SELECT r.statement FROM json_to_recordset(:'refused') AS r(statement text))
 ORDER BY g.n
\gexec
COMMIT;

SELECT :'refused' <> '[]' AS is_incomplete \gset
\if :is_incomplete
  \echo 'All that is needed is granted. Not granted, and not needed for a migration: with pg_monitor it names who holds a lock, and sees the lag of standbys.'
\set text :not_needed
\ir psql/control/visible-sql.sql
\set not_needed_label :visible
  \echo :not_needed_label
\endif
