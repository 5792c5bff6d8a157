-- Notes what the plan found when the migration began. Measurements of the time before keep their first values, because an
-- execution that resumes already finds indexes.
UPDATE p2pfk.migration m
   SET plan = :'plan'::jsonb
              || CASE WHEN m.plan IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('deleteBefore', m.plan -> 'deleteBefore') END
 WHERE m.id = :'migration_id'::bigint;
