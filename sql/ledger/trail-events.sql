-- Every event of one migration, and of the ledger itself, in the order in which it was written: who, what SQL, which locks, how
-- long. Columns that a ledger of an older version may lack are read by name.
-- not null: id, at, role, step, of_ledger
-- types: locks HeldLock[]
SELECT e.id::text AS id, e.pair, e.at, e.role, to_jsonb(e) ->> 'login' AS login, to_jsonb(e) ->> 'execution' AS execution,
       to_jsonb(e) ->> 'person' AS person, to_jsonb(e) ->> 'reason' AS reason, e.step, e.sql, e.locks, e.lock_wait_ms, e.duration_ms, e.error,
       (to_jsonb(e) ->> 'lock_held_ms')::float8 AS lock_held_ms, e.migration_id IS NULL AS of_ledger
  FROM p2pfk.event e
 WHERE e.migration_id = :'migration_id'::bigint OR e.migration_id IS NULL
 ORDER BY e.id;
