-- Unfinished migrations whose owner shows no sign of life: its lease expired five minutes ago, in which the event of its end
-- would have started reconciliation, and no session works for it. One that is paused after the drop lacks its last checks. Reads
-- only.
-- not null: id, table_name, state, execution
-- types: state MigrationState
:begin
SELECT m.id::text AS id, m.table_name, m.state, regexp_replace(m.execution, '^reconcile:', '') AS execution
  FROM p2pfk.migration m
 WHERE (m.state IN ('running', 'rolling-back') OR m.state = 'paused' AND m.dropped_at IS NOT NULL)
   AND m.lease_until < now() - interval '5 minutes'
   AND NOT p2pfk.owner_works(m.id, m.execution, m.liveness_key)
 ORDER BY m.id
:end
