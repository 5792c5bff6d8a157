-- Takes a migration from an execution that is dead (:'ended': by the word of the engine that ran it, which stands above the
-- lease), for :'owner', which brings it to rest. Its late steps are refused from now on. No row: there is nothing to bring to
-- rest, another execution has it by now, or it is seen at work. Notes what was found.
WITH claimed AS (
  UPDATE p2pfk.migration m
     SET execution = :'owner'::text, updated_at = now(), lease_until = now() + interval '90 seconds'
   WHERE m.id = :'migration_id'::bigint AND m.execution = :'execution'::text AND m.state IN ('running', 'rolling-back')
     AND (:'ended'::boolean OR m.execution LIKE 'arn:aws:states:local:%' OR m.lease_until < now())
     AND NOT p2pfk.owner_works(m.id, m.execution)
  RETURNING m.id
)
INSERT INTO p2pfk.event (migration_id, step, error)
SELECT id, 'Reconcile', :'reason'::text FROM claimed
RETURNING migration_id::text AS id;
