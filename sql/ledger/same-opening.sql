-- Another execution that has worked on the same opening of a maintenance window: a schedule may be delivered twice.
-- not null: id, execution, state
-- types: state MigrationState
:begin
SELECT m.id::text AS id, m.execution, m.state
  FROM p2pfk.migration m
 WHERE m.table_oid = :'table_oid'::oid
   AND m.constraint_name = :'constraint_name'::text
   AND (m.options ->> 'opensAt')::timestamptz = :'opens_at'::timestamptz
   -- A repeated plan of this very execution is none, nor is what was reconciled for it.
   AND m.execution NOT IN (:'execution'::text, 'reconcile:' || :'execution'::text)
 ORDER BY m.id DESC
 LIMIT 1
:end
