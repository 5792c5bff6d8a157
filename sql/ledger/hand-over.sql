-- Hands a migration that has to be rolled back over from a reconciliation: the next execution may take it over at once. The lease
-- is never extended, so that ledger/dead-owners finds the migration if no execution takes it over. Stores the name that the
-- rollback is started with: the first one that begins with :'stem' stays, except one that Step Functions has refused. No row:
-- another execution has the migration by now, or a session other than this one works for it.
-- not null: id, name
UPDATE p2pfk.migration m
   SET lease_until = least(m.lease_until, now()), liveness_key = NULL, updated_at = now(),
       options = m.options || (SELECT jsonb_build_object('rollbackNames',
                                 CASE WHEN EXISTS (SELECT FROM jsonb_array_elements_text(k.kept) n(name) WHERE starts_with(n.name, :'stem'::text)) THEN k.kept
                                      ELSE k.kept || to_jsonb(:'name'::text) END)
                                 FROM (SELECT coalesce(m.options -> 'rollbackNames', '[]') - :'refused'::text AS kept) k)
 WHERE m.id = :'migration_id'::bigint AND m.execution = :'execution'::text AND m.state = 'rolling-back'
   AND NOT p2pfk.owner_works(m.id, m.execution, m.liveness_key)
RETURNING m.id::text AS id,
          (SELECT n.name FROM jsonb_array_elements_text(m.options -> 'rollbackNames') n(name) WHERE starts_with(n.name, :'stem'::text) LIMIT 1) AS name;
