-- A new execution takes over a migration that is paused, or whose owner is dead. No row: it was rolled back meanwhile, which is its end
-- for its owner too (a plan that is delivered late must not begin it again), or its owner lives. A local owner lives
-- while it is seen at work (p2pfk.owner_works); any other also for the time of a lease after that, which a backoff or a Wait of
-- the state machine may take. Taking work from a live owner would be the worse mistake; the fence makes even that harmless.
-- not null: id, state
-- types: state MigrationState
-- may be null: liveness_key
:begin
UPDATE p2pfk.migration m
   SET execution = :'execution'::text, liveness_key = :'liveness_key'::bigint, endpoint = :'endpoint'::text,
       -- What a person accepted stays accepted, the names that the pair FKs are to get stay chosen, and those of reconciliation's rollbacks known.
       -- A limit and a hold are for one execution, also where its plan is made twice.
       options = coalesce((SELECT jsonb_object_agg(o.key, o.value)
                             FROM jsonb_each(m.options) o
                            WHERE o.key IN ('accepted', 'pairConstraintNames', 'rollbackNames')
                               OR o.key = 'pace' AND m.execution = :'execution'::text), '{}')
                 || :'options'::jsonb
                 -- Who has started an execution of it, and the demand that the approver is somebody else: no later execution drops these.
                 || jsonb_build_object('starters', coalesce(m.options -> 'starters', '[]')
                      || CASE WHEN m.options -> 'starters' @> jsonb_build_array(jsonb_build_object('login', session_user, 'person', :'options'::jsonb ->> 'by'))
                              THEN '[]'
                              ELSE jsonb_build_array(jsonb_build_object('login', session_user, 'person', :'options'::jsonb ->> 'by')) END)
                 || CASE WHEN m.options ->> 'approverMustDiffer' = 'true'
                         THEN '{"approverMustDiffer": true, "approval": "manual"}'::jsonb ELSE '{}' END,
       state = CASE WHEN m.state = 'rolling-back' THEN m.state ELSE 'running' END,
       error = CASE WHEN m.state = 'rolling-back' THEN m.error END, finished_at = NULL, approval_asked_at = NULL, updated_at = now(), lease_until = now() + interval '90 seconds'
 WHERE m.id = :'migration_id'::bigint AND m.state <> 'rolled-back'
   -- Local executions of two machines, or of two stores, may have one name: then the key tells which is which.
   AND (m.execution = :'execution'::text AND (m.execution NOT LIKE 'arn:aws:states:local:%' OR m.liveness_key IS NOT DISTINCT FROM :'liveness_key'::bigint)
        OR m.state NOT IN ('running', 'rolling-back')
        OR (m.execution LIKE 'arn:aws:states:local:%' OR m.lease_until < now())
           AND NOT p2pfk.owner_works(m.id, m.execution, m.liveness_key))
RETURNING m.id::text AS id, m.state
:end
