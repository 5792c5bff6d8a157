-- After the drop every pair is counted anew: what the gate counted was true under the parent FK.
UPDATE p2pfk.pair SET orphans = NULL, orphans_counted_at = NULL WHERE migration_id = :'migration_id'::bigint;
