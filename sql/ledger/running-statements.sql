-- Long statements that run in the server for the migration, in sessions other than this one: an index build or a validation goes on to its
-- end, also when its client is gone.
-- not null: pid, is_index, relation, since
:begin
SELECT h.pid, p.pair IS NOT NULL AS is_index,
       coalesce(format('%I.%I', n.nspname, t.relname), p.referencing, 'a relation that is gone') AS relation,
       to_char(r.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since
  FROM p2pfk.running r
 CROSS JOIN LATERAL (SELECT p2pfk.key_holder(r.key) AS pid) h
  -- An index build is noted by its table, a validation by its constraint.
  LEFT JOIN p2pfk.pair p ON p.migration_id = r.migration_id AND p.referencing_oid = r.object
  LEFT JOIN pg_constraint c ON c.oid = r.object AND p.pair IS NULL
  LEFT JOIN pg_class t ON t.oid = coalesce(p.referencing_oid, c.conrelid)
  LEFT JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE r.migration_id = :'migration_id'::bigint AND h.pid <> pg_backend_pid()
 ORDER BY r.since, h.pid
:end
