-- As approve.sql, with a reason.
-- not null: id
-- may be null: reason
UPDATE p2pfk.migration m
   SET approved_at = clock_timestamp(), approved_by = :'by'::text, approval_reason = nullif(:'reason'::text, ''), updated_at = now()
 WHERE m.id = :'migration_id'::bigint AND m.state IN ('running', 'paused') AND m.dropped_at IS NULL
   AND (m.approved_at IS NULL OR :'anew'::boolean)
RETURNING m.id::text AS id;
