-- Under the locks of the drop: why a pair may have got rows, since they were counted, that no foreign key has checked, in :changed_triggers;
-- empty where none has. A trigger that was disabled and enabled again, or made anew, is another one (p2pfk.triggers_of).
-- not null: changed_triggers
:begin
SELECT coalesce(min(format('%s may have got rows since they were counted that no foreign key has checked: triggers of its foreign key were switched or made anew; run this again, which counts them',
                           p.referencing)), '') AS changed_triggers
  FROM p2pfk.pair p
  LEFT JOIN pg_constraint c ON c.conrelid = p.referencing_oid AND c.confrelid = p.referenced_oid AND c.conname = p.constraint_name
 WHERE p.migration_id = :'migration_id'::bigint
   AND current_setting('p2pfk.counted_triggers')::jsonb ->> format('%s %s', p.referencing_oid, p.referenced_oid) IS DISTINCT FROM p2pfk.triggers_of(c.oid)
:end
