-- Whether the plan of this migration is noted already.
-- not null: noted
SELECT m.plan IS NOT NULL AS noted FROM p2pfk.migration m WHERE m.id = :'migration_id'::bigint;
