-- Changes a pair's row: the columns named in :'changes' get these values, the others keep theirs; waits and attempts are added
-- up.
UPDATE p2pfk.pair p
   SET (constraint_name, constraint_added, index_name, index_added, state, last_error, index_ms, add_ms, validate_ms,
        orphans, orphans_counted_at, proof)
       = (SELECT n.constraint_name, n.constraint_added, n.index_name, n.index_added, n.state, n.last_error, n.index_ms,
                 n.add_ms, n.validate_ms, n.orphans, n.orphans_counted_at, n.proof
            FROM jsonb_populate_record(p, :'changes'::jsonb) n),
       attempts = p.attempts + coalesce((:'changes'::jsonb ->> 'attempts')::int, 0),
       lock_wait_ms = p.lock_wait_ms + coalesce((:'changes'::jsonb ->> 'lock_wait_ms')::float8, 0)
 WHERE p.migration_id = :'migration_id'::bigint AND p.pair = :'pair'::int;
