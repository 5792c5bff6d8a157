-- How much a rollback has dropped of the migration so far, in all tries, according to its events: one for each pair.
-- not null: foreign_keys, indexes
:begin
SELECT count(DISTINCT e.pair) FILTER (WHERE e.sql LIKE 'ALTER TABLE % DROP CONSTRAINT %')::int AS foreign_keys,
       count(DISTINCT e.pair) FILTER (WHERE e.sql LIKE 'DROP INDEX %')::int                    AS indexes
  FROM p2pfk.event e
 WHERE e.migration_id = :'migration_id'::bigint AND e.step = 'DropPairForeignKeys' AND e.error IS NULL
:end
