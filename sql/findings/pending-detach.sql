-- Partitions whose DETACH ... CONCURRENTLY (14 and newer) was interrupted: queries of the table do not see their rows any more,
-- the catalog still lists them, and PostgreSQL refuses much of ALTER TABLE there until the DETACH is finalized.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE tree AS (
  SELECT r.oid AS root, r.oid, false AS pending, NULL::oid AS parent
    FROM (VALUES (:'referencing_oid'::oid), (:'referenced_oid'::oid)) r(oid)
  UNION ALL
  SELECT t.root, i.inhrelid, coalesce((to_jsonb(i) ->> 'inhdetachpending')::boolean, false), i.inhparent  -- column of 14+
    FROM tree t
    JOIN pg_inherits i ON i.inhparent = t.oid
)
SELECT 'pending-detach' AS id, 'error' AS severity, false AS needs_acceptance,
       format('%s is half detached: DETACH PARTITION ... CONCURRENTLY was interrupted, or still runs', x.name) AS message,
       format('let it end; if none runs: ALTER TABLE %s DETACH PARTITION %s FINALIZE', x.parent, x.name) AS remedy
  FROM tree t
  JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class pc ON pc.oid = t.parent JOIN pg_namespace pn ON pn.oid = pc.relnamespace
 CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, c.relname) AS name, format('%I.%I', pn.nspname, pc.relname) AS parent) x
 WHERE t.pending
 ORDER BY x.name
:end
