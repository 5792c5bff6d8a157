-- The reconciliation that has handed a migration over, for a rollback that no execution has taken over yet.
-- not null: id, execution, names
-- types: names string[]
:begin
SELECT m.id::text AS id, m.execution, coalesce(m.options -> 'rollbackNames', '[]') AS names
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint AND m.state = 'rolling-back' AND m.execution LIKE 'reconcile:%'
:end
