-- Keeps what the plan found when the migration began. What was measured of the time before stays as it was noted first:
-- an execution that resumes finds indexes there already.
UPDATE p2pfk.migration m
   SET plan = :'plan'::jsonb
              || CASE WHEN m.plan IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('deleteBefore', m.plan -> 'deleteBefore') END
 WHERE m.id = :'migration_id'::bigint;
