-- Lets a migration continue to the drop. No row: it is not one that could. A second approval changes nothing, except where the
-- first one does not count (:'anew'). These three columns are all that an approver of version 2 may write.
-- not null: id
UPDATE p2pfk.migration m
   SET approved_at = clock_timestamp(), approved_by = :'by'::text, updated_at = now()
 WHERE m.id = :'migration_id'::bigint AND m.state IN ('running', 'paused') AND m.dropped_at IS NULL
   AND (m.approved_at IS NULL OR :'anew'::boolean)
RETURNING m.id::text AS id;
