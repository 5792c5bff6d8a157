-- A new execution takes over a migration that rests, or whose owner is dead; no row: its owner lives. A local owner
-- lives as long as the session that holds its advisory lock (core/liveness.ts), any other until its lease ends.
-- Taking work from a live worker would be the worse mistake; the fence makes even that harmless.
-- FOR NO KEY UPDATE: a validation that a dead execution left running is not waited for, it is found again.
UPDATE p2pfk.migration m
   SET execution = :'execution'::text,
       options = :'options'::jsonb,
       state = CASE WHEN m.state = 'rolling-back' THEN m.state ELSE 'running' END,
       error = NULL, finished_at = NULL, updated_at = now(), lease_until = now() + interval '1 minute'
 WHERE m.id = :'migration_id'::bigint
   AND (m.execution = :'execution'::text
        OR m.state NOT IN ('running', 'rolling-back')
        OR CASE WHEN m.execution LIKE 'arn:aws:states:local:%'
                THEN NOT EXISTS (SELECT 1 FROM pg_locks l
                                  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                                    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                                    AND l.classid::bigint = 1882351216  -- 'p2fp'
                                    AND l.objid = (hashtext(m.execution)::bigint & 4294967295)::oid)
                ELSE m.lease_until < now() END)
RETURNING m.id::text AS id, m.state;
