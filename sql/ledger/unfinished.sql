-- The migration that an execution, or its reconciliation, has left unfinished, if there is one. One that is paused after the drop
-- (dropped_at) lacks its last checks; one that is paused before it waits for the next execution.
-- not null: id, execution
:begin
SELECT m.id::text AS id, m.execution
  FROM p2pfk.migration m
 WHERE m.execution IN (:'execution'::text, :'owner'::text) AND (m.state IN ('running', 'rolling-back') OR m.state = 'paused' AND m.dropped_at IS NOT NULL)
 ORDER BY m.id DESC
 LIMIT 1
:end
