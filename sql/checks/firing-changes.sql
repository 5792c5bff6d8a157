-- Whether a trigger of the parent FK (:'constraint_oid', empty where it was dropped) fires in another mode than when the plan was
-- made: :'firing' lists those that fire ALWAYS, all others fire for the origin (O). One row.
-- not null: firing_changed
:begin
WITH RECURSIVE derived AS (
  SELECT nullif(:'constraint_oid'::text, '')::oid AS oid
  UNION ALL
  SELECT c.oid FROM derived d JOIN pg_constraint c ON c.conparentid = d.oid
), now AS (
  SELECT DISTINCT g.tgenabled AS mode,
         jsonb_build_object('relation', g.tgrelid::bigint,
                            'kind', CASE WHEN p.proname LIKE 'RI\_FKey\_check\_%' THEN 'check ' ELSE 'action ' END || right(p.proname, 3)) AS trigger
    FROM derived d
    JOIN pg_trigger g ON g.tgconstraint = d.oid AND g.tgenabled <> 'O'
    JOIN pg_proc p ON p.oid = g.tgfoid
)
SELECT :'constraint_oid'::text <> ''
         AND (EXISTS (SELECT FROM now WHERE mode <> 'A' OR NOT :'firing'::jsonb @> jsonb_build_array(trigger))
              OR EXISTS (SELECT FROM jsonb_array_elements(:'firing'::jsonb) f
                          WHERE NOT EXISTS (SELECT FROM now WHERE mode = 'A' AND f @> trigger)
                            -- A partition that was detached since took its triggers along: a change of another kind.
                            AND EXISTS (SELECT FROM derived d JOIN pg_trigger g ON g.tgconstraint = d.oid
                                         WHERE g.tgrelid = (f ->> 'relation')::oid))) AS firing_changed
:end
