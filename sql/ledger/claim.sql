-- Takes a migration from a dead execution, for :'owner', which pauses, completes or rolls it back; if several do so at once, one
-- of them gets it. :'ended': the engine that ran the execution has reported its end, which overrides the lease. Its late steps
-- are refused from now on. No row: there is nothing to take care of, another execution has it by now, or its owner is seen at
-- work. Notes what was found.
-- not null: id
-- may be null: liveness_key
:begin
WITH claimed AS (
  UPDATE p2pfk.migration m
     SET execution = :'owner'::text, state = CASE m.state WHEN 'paused' THEN 'running' ELSE m.state END, liveness_key = :'liveness_key'::bigint, updated_at = now(), lease_until = now() + interval '90 seconds'
   WHERE m.id = :'migration_id'::bigint AND m.execution = :'execution'::text AND (m.state IN ('running', 'rolling-back') OR m.state = 'paused' AND m.dropped_at IS NOT NULL)
     AND (:'ended'::boolean OR m.execution LIKE 'arn:aws:states:local:%' OR m.lease_until < now())
     AND NOT p2pfk.owner_works(m.id, m.execution, m.liveness_key)
  RETURNING m.id
), noted AS (
  INSERT INTO p2pfk.event (migration_id, execution, step, error)
  SELECT id, :'owner'::text, 'Reconcile', :'reason'::text FROM claimed WHERE :'execution'::text <> :'owner'::text
)
SELECT id::text AS id FROM claimed
:end
