-- Notes the firing modes of the parent FK's triggers when a migration is resumed: the next plan is made for them.
UPDATE p2pfk.migration SET firing = :'firing'::jsonb WHERE id = :'migration_id'::bigint AND firing <> :'firing'::jsonb;
