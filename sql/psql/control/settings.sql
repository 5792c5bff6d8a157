-- The beginning of each of the five scripts: sets psql as the scripts need it, regardless of ~/.psqlrc; the session as core/ has
-- it; and the options that were given with -v.
--
-- :begin and :end frame the files of sql/catalog, sql/checks, sql/statements and sql/ledger: they decide what is done with the
-- rows. As set here, the one row becomes psql variables; rows.sql makes a JSON list of them.
--
-- ON_ERROR_STOP is set by the script itself: it takes effect from the next line of the same file on.
\set ON_ERROR_ROLLBACK off
\set AUTOCOMMIT on
\set QUIET on
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set ECHO none
\set ECHO_HIDDEN off
\set FETCH_COUNT 0
\set SINGLELINE off
\set SINGLESTEP off
\timing off
\pset pager off
\pset expanded off
\pset format unaligned
\pset tuples_only on
\o
\set begin ''
\set end '\\gset'

\ir unprintable.sql
\ir credentials.sql
-- What a script that gives up leaves the migration in, and whether it may find a partition gone; the rollback says otherwise.
\set resting_state paused
-- All pairs are judged, unless judged-pairs.sql says otherwise.
\set newcomers '[]'
\set whole true
\set gone_is_fine false
-- Not held yet.
\set liveness_key ''
\set read_indexes true

-- psql is given the names as SQL writes them; a variable that was not given would be left in the SQL text.
\if :{?table}
\else
\set table ''
\endif
\if :{?constraint}
\else
\set constraint ''
\endif
-- The caller's search_path; empty: what the session came with.
\if :{?search_path}
\else
\set search_path ''
\endif
\set as_caller false
\set attempt_end ';'
-- The statements of the transaction that runs, for the ledger (attempt.sql); whether it has its locks (lock.sql); and what a note of
-- the ledger says of the wait for locks and of how long others were blocked.
\set ran '[]'
\set locks_held false
\set waited_ms ''
\set blocked_ms ''
-- Milliseconds that a statement of ours may stand in a lock queue, in all; and how often it is tried.
\if :{?lock_timeout_ms}
\else
\set lock_timeout_ms 500
\endif
\if :{?lock_tries}
\else
\set lock_tries 20
\endif
-- Where it is not given, it stays as the migration has it.
\set guard_given true
\if :{?row_movement_guard}
\else
\set row_movement_guard on
\set guard_given false
\endif
-- The role that owns the ledger, where that is neither the current role nor a superuser; empty: none.
\if :{?ledger_owner}
\else
\set ledger_owner ''
\endif
-- Roles, separated by commas, whose code may run with the rights of this session.
\if :{?trust_owners}
\else
\set trust_owners ''
\endif
\set trusted_owners :trust_owners
\if :{?keep_indexes}
\else
\set keep_indexes off
\endif
-- Tells the query, without its literals, of a session that holds a lock; it goes into the ledger.
\if :{?blocking_queries}
\else
\set blocking_queries off
\endif
\if :{?no_indexes}
\else
\set no_indexes off
\endif
\if :{?allow_blocking_rollback}
\else
\set allow_blocking_rollback off
\endif
-- What the pair FKs are called once the parent FK is dropped: auto, documented or parent (statements/rename-pair-foreign-keys.sql).
-- Not given, it is what the migration has in the ledger, else auto.
\if :{?pair_constraint_names}
\else
\set pair_constraint_names ''
\endif
-- Ids of findings that are accepted, separated by commas, or all.
\if :{?accept}
\else
\set accept ''
\endif
-- The word of a person that this is the database that the ledger is to be used for (link.sql).
\if :{?relink}
\else
\set relink off
\endif
-- Who runs the script, and why: noted in the ledger as stated, not verified.
\if :{?by}
\else
\set by ''
\endif
\if :{?reason}
\else
\set reason ''
\endif
\if :{?rehearse}
\else
\set rehearse off
\endif

-- psql does not show the process id in its cancel key, by which p2pfk knows a pooler. In transaction mode a pooler may give each
-- statement another session, and what is SET would reach the application; where that shows, nothing is set. See sql/README.md.
SELECT pg_catalog.pg_backend_pid() AS server_pid \gset
SELECT pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.<>) :server_pid AS moved \gset
\if :moved
DO $$ BEGIN RAISE EXCEPTION 'there is a connection pooler in transaction mode: connect to the server directly'; END $$;
\endif
\set came_encoding :ENCODING
\encoding UTF8
-- What was SET before, for give-back.sql; the settings do not show the role. The encoding goes back by psql, which has to know of it.
-- Never the view pg_settings: PUBLIC has UPDATE on it, so any login can LOCK it, and this is before lock_timeout is set.
SELECT pg_catalog.current_setting('role') AS came_role,
       COALESCE(pg_catalog.jsonb_object_agg(s.name, s.setting), '{}') AS came_with
  FROM pg_catalog.pg_show_all_settings() s
 WHERE s.source OPERATOR(pg_catalog.=) 'session' \gset
-- Grammar alone: it looks up no name, so there is no lock for which it could wait.
SET lock_timeout = '5s';

-- Before anything that depends on a setting; the wanted lock_timeout follows when it is known to be one.
\set wanted_lock_timeout_ms :lock_timeout_ms
\set lock_timeout_ms 5000
\set local false
\ir ../../session.sql
\set lock_timeout_ms :wanted_lock_timeout_ms
SELECT :'not_pinned'::jsonb <> '[]' AS unpinned,
       coalesce(jsonb_agg(format('SELECT set_config(%L, %L, false)', s ->> 'name', s ->> 'wanted')), '[]') AS statements
  FROM jsonb_array_elements(:'not_pinned'::jsonb) s \gset
\if :unpinned
\ir attempt.sql
\if :failed
\set settings :not_pinned
\ir ../../settings-at-fault.sql
SELECT format('refused, nothing was changed: %s; our queries rely on another value, which this role may not set: take the setting back (ALTER ROLE or ALTER DATABASE ... RESET), or use another role', :'at_fault') AS refusal \gset
\ir refuse.sql
\endif
\endif

\ir role-of-database.sql
\ir ledger-owner.sql
-- What lock.sql is told of the next lock, by those who have more to say than its statement.
\set lock_ways ''
\set lock_held_ms 0
\set lock_allowed_ms :lock_timeout_ms
\set lock_nowait_first false

SELECT now() <> statement_timestamp() AS in_transaction,
       :'table' = '' AS no_table,
       :'lock_timeout_ms' !~ '^[0-9]{1,5}$' OR :'lock_tries' !~ '^[0-9]{1,2}$' AS no_number,
       :'pair_constraint_names' NOT IN ('', 'auto', 'documented', 'parent') AS no_naming,
       :'by' || :'reason' ~ :'unprintable' OR length(:'by') > 200 OR length(:'reason') > 500 AS no_line,
       :'by' ~* :'credentials' OR :'reason' ~* :'credentials' AS holds_credentials,
       getdatabaseencoding() = 'UTF8' AS utf8 \gset
\if :no_naming
\set refusal 'pair_constraint_names must be auto, documented or parent'
\ir refuse.sql
\endif
\if :no_line
\set refusal 'by (200 characters at most) and reason (500) must be one line, without control or invisible characters'
\ir refuse.sql
\endif
\if :holds_credentials
\set refusal 'by or reason holds a connection string with a user or a password, and would be kept: leave that out'
\ir refuse.sql
\endif
\if :in_transaction
\set refusal 'the scripts begin and end transactions of their own: run them without --single-transaction, outside a transaction'
\ir refuse.sql
\endif
\if :no_table
\set refusal 'which table? Name the referencing one: psql URL -v table=path -f ... (and -v constraint=NAME where it has several foreign keys)'
\ir refuse.sql
\endif
\if :no_number
\set refusal 'lock_timeout_ms (milliseconds, 1 to 60000) and lock_tries (1 to 99) must be whole numbers'
\ir refuse.sql
\endif
SELECT :lock_timeout_ms NOT BETWEEN 1 AND 60000 OR :lock_tries < 1 AS out_of_range \gset
\if :out_of_range
\set refusal 'lock_timeout_ms must be 1 to 60000 milliseconds, lock_tries 1 to 99'
\ir refuse.sql
\endif

SELECT set_config('lock_timeout', :'lock_timeout_ms', false) AS ignored \gset

-- Whose work this is: this session's. The form of a local execution, because it counts as alive in the same way: by an
-- advisory lock on a random key, which is gone when psql is (ledger/take-over.sql).
\ir as-login.sql
SELECT format('arn:aws:states:local:000000000000:execution:p2pfk:psql-%s-%s',
              to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS"Z"'), a.pid) AS execution,
       jsonb_build_object('maxConcurrency', 1, 'lockTimeoutMs', :lock_timeout_ms, 'approval', 'auto',
                          'rowMovementGuard', :'row_movement_guard'::boolean, 'keepIndexes', :'keep_indexes'::boolean,
                          'noIndexes', :'no_indexes'::boolean,
                          'allowBlockingRollback', :'allow_blocking_rollback'::boolean,
                          'accept', to_jsonb(string_to_array(replace(:'accept', ' ', ''), ',')))
         || jsonb_strip_nulls(jsonb_build_object('by', nullif(btrim(:'by'), ''), 'reason', nullif(btrim(:'reason'), '')))
         || CASE :'pair_constraint_names' WHEN '' THEN '{}' ELSE jsonb_build_object('pairConstraintNames', :'pair_constraint_names') END AS options
  FROM pg_stat_activity a
 WHERE a.pid = pg_backend_pid() \gset
\ir as-role.sql
