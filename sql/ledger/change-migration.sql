-- Changes a migration's row: the columns named in :'changes' get these values, the others keep theirs. One that is rolled back stays so.
UPDATE p2pfk.migration m
   SET (state, approval_asked_at, rehearsal, dropped_at, finished_at, locked_ms, verification, error)
       = (SELECT CASE WHEN m.state = 'rolled-back' THEN m.state ELSE n.state END, n.approval_asked_at, n.rehearsal, n.dropped_at, n.finished_at, n.locked_ms, n.verification, n.error
            FROM jsonb_populate_record(m, :'changes'::jsonb) n),
       updated_at = now(),
       lease_until = greatest(m.lease_until, now() + interval '90 seconds')
 WHERE m.id = :'migration_id'::bigint;
