-- The migration that an execution owns and has not brought to an end, if there is one.
:begin
SELECT m.id::text AS id, m.state
  FROM p2pfk.migration m
 WHERE m.execution = :'execution'::text AND m.state IN ('running', 'rolling-back')
 ORDER BY m.id DESC
 LIMIT 1
:end
