-- A new execution takes over a migration that rests, or whose owner is dead; no row: its owner lives. A local owner
-- lives as long as the session that holds its advisory lock (core/liveness.ts). Any other lives while a step of it has a
-- session open, and a lease longer beyond (what a backoff or a Wait of the state machine may take). Statements that were
-- left running do not count: they are found again, whoever owns the migration then.
-- Taking work from a live worker would be the worse mistake; the fence makes even that harmless.
:begin
UPDATE p2pfk.migration m
   SET execution = :'execution'::text,
       options = :'options'::jsonb,
       state = CASE WHEN m.state = 'rolling-back' THEN m.state ELSE 'running' END,
       error = NULL, finished_at = NULL, approval_asked_at = NULL, updated_at = now(), lease_until = now() + interval '90 seconds'
 WHERE m.id = :'migration_id'::bigint
   AND (m.execution = :'execution'::text
        OR m.state NOT IN ('running', 'rolling-back')
        OR CASE WHEN m.execution LIKE 'arn:aws:states:local:%'
                THEN NOT EXISTS (SELECT 1 FROM pg_locks l
                                  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                                    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                                    AND l.classid::bigint = 1882351216  -- 'p2fp'
                                    AND l.objid = (hashtext(m.execution)::bigint & 4294967295)::oid)
                ELSE m.lease_until < now()
                     AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a
                                      WHERE a.datname = current_database()
                                        AND a.application_name LIKE 'p2pfk/' || m.id || '/%'
                                        AND a.application_name NOT LIKE 'p2pfk/' || m.id || '/run/%') END)
RETURNING m.id::text AS id, m.state
:end
