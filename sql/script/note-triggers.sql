-- Notes the triggers of all pair foreign keys before their rows are counted, in p2pfk.counted_triggers: changed-triggers.sql compares them.
-- not null: ignored
:begin
SELECT set_config('p2pfk.counted_triggers',
                  coalesce(jsonb_object_agg(format('%s %s', p.referencing_oid, p.referenced_oid), p2pfk.triggers_of(c.oid)), '{}')::text, false) AS ignored
  FROM p2pfk.pair p
  JOIN pg_constraint c ON c.conrelid = p.referencing_oid AND c.confrelid = p.referenced_oid AND c.conname = p.constraint_name
 WHERE p.migration_id = :'migration_id'::bigint
:end
