-- The approval as it is now, with a lock on the row until the drop ends: an approval that is withdrawn at the same moment is
-- either seen here, or it is too late to withdraw it. Waits for an UPDATE of that row within the lock budget.
-- not null: options
-- types: options MigrationOptions, approved_options KeptOptions
SELECT m.options, m.approved_at, m.approved_by, m.approved_login, m.approved_options
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint
   FOR NO KEY UPDATE;
