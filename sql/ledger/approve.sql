-- Lets a migration go on to the drop; no row: it is not one that could. Approved twice is approved once.
UPDATE p2pfk.migration m
   SET approved_at = coalesce(m.approved_at, now()), approved_by = coalesce(m.approved_by, current_user), updated_at = now()
 WHERE m.id = :'migration_id'::bigint AND m.state IN ('running', 'paused') AND m.dropped_at IS NULL
RETURNING m.id::text AS id, m.state, m.approved_at::text AS approved_at, m.approved_by, m.execution, m.rehearsal;
