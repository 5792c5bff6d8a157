-- What is known of each pair's rows: the last scan of all of them that found no orphan, and whether that still counts. Matched by partitions,
-- because the numbers of the catalog's pairs may differ from the ledger's.
--   unchanged: the triggers of its pair FK are those of then, so no statement could pass them by, but those of sessions in which
--     session_replication_role is replica, for which the parent FK does not fire either
--   unchecked_writes: such sessions are to be expected, as for the finding of that name: a subscription fills the tables, or sessions begin
--     with that setting
--   age_seconds: less than 0 where the server's clock was set back
--   before_approval_seconds: by which it is older than the approval; null: there is none
-- not null: pair, is_counted, unchanged, unchecked_writes, now
-- types: proof Proof
:begin
SELECT p.pair, k.pair AS ledger_pair, k.orphans::float8 AS orphans, k.orphans_counted_at IS NOT NULL AS is_counted, k.proof,
       p2pfk.triggers_of(p.constraint_oid) AS triggers, coalesce(k.proof ->> 'triggers' = p2pfk.triggers_of(p.constraint_oid), false) AS unchanged,
       -- Of our own session the default: session.sql has set it to origin, where the role may.
       (SELECT s.reset_val = 'replica' FROM pg_show_all_settings() s WHERE s.name = 'session_replication_role')
         OR EXISTS (SELECT FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) c(setting)
                WHERE lower(c.setting) = 'session_replication_role=replica' AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())))
         OR EXISTS (SELECT FROM pg_subscription_rel r
                     WHERE r.srrelid = p.referencing_oid OR r.srrelid = p.referenced_oid
                        OR r.srrelid IN (SELECT a.relid FROM pg_partition_ancestors(p.referencing_oid) a)
                        OR r.srrelid IN (SELECT a.relid FROM pg_partition_ancestors(p.referenced_oid) a)) AS unchecked_writes,
       clock_timestamp() AS now,
       extract(epoch FROM clock_timestamp() - (k.proof ->> 'at')::timestamptz)::float8 AS age_seconds,
       extract(epoch FROM m.approved_at - (k.proof ->> 'at')::timestamptz)::float8 AS before_approval_seconds
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_oid oid)
  LEFT JOIN p2pfk.pair k ON k.migration_id = :'migration_id'::bigint AND k.referencing_oid = p.referencing_oid AND k.referenced_oid = p.referenced_oid
  LEFT JOIN p2pfk.migration m ON m.id = k.migration_id
 ORDER BY p.pair
:end
