-- Updates a ledger entry that is older than the database: the parent FK is dropped, and its pair FKs are the migration's. No row:
-- its owner is seen at work.
-- not null: id
UPDATE p2pfk.migration m
   SET state = 'migrated', execution = :'execution'::text, liveness_key = NULL, dropped_at = coalesce(m.dropped_at, now()), finished_at = now(), updated_at = now(),
       fenced_at = NULL, error = NULL,
       options = m.options || jsonb_build_object('accepted', coalesce(m.options -> 'accepted', '[]') || :'accepted'::jsonb)
 WHERE m.id = :'migration_id'::bigint
   AND (m.state NOT IN ('running', 'rolling-back')
        OR (m.execution LIKE 'arn:aws:states:local:%' OR m.lease_until < now()) AND NOT p2pfk.owner_works(m.id, m.execution, m.liveness_key))
RETURNING m.id::text AS id;
