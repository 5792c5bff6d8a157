-- The migration that an execution, or whoever reconciles it, has not brought to an end, if there is one.
:begin
SELECT m.id::text AS id, m.execution
  FROM p2pfk.migration m
 WHERE m.execution IN (:'execution'::text, :'owner'::text) AND m.state IN ('running', 'rolling-back')
 ORDER BY m.id DESC
 LIMIT 1
:end
