-- How many pairs a migration has.
SELECT count(*)::int AS pairs FROM p2pfk.pair WHERE migration_id = :'migration_id'::bigint;
