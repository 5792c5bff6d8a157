-- After the drop every pair is counted again: what the gate counted was true with the parent FK.
UPDATE p2pfk.pair SET orphans = NULL, orphans_counted_at = NULL WHERE migration_id = :'migration_id'::bigint;
