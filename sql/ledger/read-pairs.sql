-- The pairs of one migration, with their plan and their state. Names of keys are those of the other files in sql/.
-- not null: pair, referencing_oid, referencing, referenced_oid, referenced, bound, rows, bytes, of, constraint_name, constraint_added,
--   index_name, index_added, state, attempts, lock_wait_ms
-- types: state PairState, proof Proof
-- may be null: pair
SELECT p.pair, p.referencing_oid, p.referencing, p.referenced_oid, p.referenced, p.bound, p.rows::float8 AS rows,
       p.bytes::float8 AS bytes, p.constraint_name, p.constraint_added, p.index_name, p.index_added, p.root_constraint,
       p.state, p.attempts, p.last_error, p.lock_wait_ms, p.index_ms, p.add_ms, p.validate_ms,
       p.orphans::float8 AS orphans, p.orphans_counted_at, to_jsonb(p) -> 'proof' AS proof,
       -- By name, because a ledger of an older edition has no such column.
       to_jsonb(p) ->> 'former_name' AS former_name,
       -- How many there are in all, also where one is read.
       (SELECT count(*)::int FROM p2pfk.pair o WHERE o.migration_id = :'migration_id'::bigint) AS of
  FROM p2pfk.pair p
 WHERE p.migration_id = :'migration_id'::bigint
   AND (:'pair'::int IS NULL OR p.pair = :'pair'::int)
 ORDER BY p.pair;
