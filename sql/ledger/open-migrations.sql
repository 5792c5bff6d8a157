-- The migrations of one table that are not rolled back: at most one for each constraint.
:begin
SELECT m.*, m.id::text AS id, m.started_at::text AS started_at
  FROM p2pfk.migration m
 WHERE m.table_oid = :'table_oid'::oid AND m.state <> 'rolled-back'
 ORDER BY m.id
:end
