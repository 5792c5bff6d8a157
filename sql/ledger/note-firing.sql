-- The firing modes of the parent FK's triggers as they are when a migration is taken up again: the next plan is made for them.
UPDATE p2pfk.migration SET firing = :'firing'::jsonb WHERE id = :'migration_id'::bigint AND firing <> :'firing'::jsonb;
