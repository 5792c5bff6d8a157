-- What a step has left behind in its session that the reset before this (local/sessions/again.ts) did not take away: locks, and prepared
-- statements. Outside a transaction a session has no locks but advisory ones and those of CREATE INDEX CONCURRENTLY; this query itself
-- locks some catalogs.
--
-- It runs under the session's original settings, as session.sql does: every name is qualified, and no literal contains a backslash.
--
-- statements: those that were prepared by a message of the protocol, as ours are; by_sql: how many were prepared by PREPARE, which may
-- have the name of one of ours.
-- not null: locks, statements, by_sql
-- types: statements string[]
:begin
SELECT (SELECT pg_catalog.count(*)::pg_catalog.int4
          FROM pg_catalog.pg_locks l
         WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
           AND l.locktype OPERATOR(pg_catalog.<>) 'virtualxid'
           AND (l.locktype OPERATOR(pg_catalog.<>) 'relation' OR l.mode OPERATOR(pg_catalog.<>) 'AccessShareLock'
                -- Of initdb: FirstNormalObjectId.
                OR l.relation::pg_catalog.int8 OPERATOR(pg_catalog.>=) 16384)) AS locks,
       (SELECT COALESCE(pg_catalog.jsonb_agg(s.name ORDER BY s.name) FILTER (WHERE NOT s.from_sql), '[]'::pg_catalog.jsonb)
          FROM pg_catalog.pg_prepared_statements s) AS statements,
       (SELECT pg_catalog.count(*)::pg_catalog.int4 FROM pg_catalog.pg_prepared_statements s WHERE s.from_sql) AS by_sql
:end
