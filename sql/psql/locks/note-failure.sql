-- After ROLLBACK: notes a try whose locks were granted and whose work has failed (:refusal), with the time for which it blocked
-- others at most.
\set locks_held false
SELECT extract(epoch FROM clock_timestamp() - :'lock_began_at'::timestamptz) * 1000 AS blocked_ms,
       :lock_wait_ms AS waited_ms, :'locked_by' AS sql, :'refusal' AS error \gset
\set duration_ms :blocked_ms
\ir ../../ledger/note-event.sql
\set waited_ms ''
\set blocked_ms ''
