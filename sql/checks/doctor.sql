-- What a person should know of the server and of this role before p2pfk is used. Reads catalogs and settings alone, none of the
-- application's tables.
--
-- settings: with what sessions of this role begin in this database, before session.sql pins others for ours. keys: foreign keys
-- between two partitioned tables; owned: those of them with both tables owned by this role, or by one that it is a member of;
-- most_leaves: the most leaf partitions that a referencing table has. limits: of connections, -1 without one.
-- not null: sees_all, server_settings, keys, owned, most_leaves, max_connections, used_connections, role_limit, database_limit
-- types: server_settings StartSetting[]
:begin
WITH RECURSIVE key AS (
  SELECT k.conrelid, k.confrelid
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid AND c.relkind = 'p' AND NOT c.relispartition
    JOIN pg_class r ON r.oid = k.confrelid AND r.relkind = 'p' AND NOT r.relispartition
   WHERE k.contype = 'f' AND k.conparentid = 0
), below AS (
  SELECT DISTINCT k.conrelid AS root, k.conrelid AS oid FROM key k
  UNION ALL
  SELECT b.root, i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.oid
)
SELECT pg_has_role(session_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'value', concat(s.reset_val, s.unit)) ORDER BY s.name), '[]')
          FROM pg_show_all_settings() s
         WHERE s.name IN ('lock_timeout', 'statement_timeout', 'transaction_timeout', 'idle_session_timeout',
                          'idle_in_transaction_session_timeout', 'session_replication_role', 'default_transaction_read_only',
                          'row_security', 'synchronous_commit')
           AND s.reset_val IS DISTINCT FROM s.boot_val) AS server_settings,
       (SELECT count(*)::int FROM key) AS keys,
       (SELECT count(*)::int FROM key k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
         WHERE pg_has_role(c.relowner, 'USAGE') AND pg_has_role(r.relowner, 'USAGE')) AS owned,
       (SELECT coalesce(max(b.leaves), 0)::int
          FROM (SELECT count(*) AS leaves FROM below b JOIN pg_class c ON c.oid = b.oid AND c.relkind <> 'p' GROUP BY b.root) b) AS most_leaves,
       current_setting('max_connections')::int AS max_connections,
       (SELECT sum(d.numbackends)::int FROM pg_stat_database d) AS used_connections,
       (SELECT r.rolconnlimit FROM pg_roles r WHERE r.rolname = session_user) AS role_limit,
       (SELECT d.datconnlimit FROM pg_database d WHERE d.datname = current_database()) AS database_limit
:end
