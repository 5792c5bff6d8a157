-- The approval as it is now, under a lock on the row until the drop ends: one that is withdrawn at the same moment is seen here, or comes
-- too late. Waits for an UPDATE of that row within the lock budget.
-- not null: options
-- types: options MigrationOptions, approved_options KeptOptions
SELECT m.options, m.approved_at, m.approved_by, m.approved_login, m.approved_options
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint
   FOR NO KEY UPDATE;
