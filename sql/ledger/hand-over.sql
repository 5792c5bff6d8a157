-- Gives a migration that has to be rolled back out of the hands of a reconciliation: the next execution takes it over at once. The lease
-- is never made later, so that ledger/dead-owners finds it where no execution comes. No row: another one has it by now, or a session
-- other than this one works for it.
UPDATE p2pfk.migration m
   SET lease_until = least(m.lease_until, now()), liveness_key = NULL, updated_at = now()
 WHERE m.id = :'migration_id'::bigint AND m.execution = :'execution'::text AND m.state = 'rolling-back'
   AND NOT p2pfk.owner_works(m.id, m.execution, m.liveness_key)
RETURNING m.id::text AS id;
