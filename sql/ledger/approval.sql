-- What one should know who approves a migration: who waits since when, and what was rehearsed.
:begin
SELECT m.state, m.execution, m.options ->> 'approval' AS approval, m.approved_by, m.rehearsal,
       m.dropped_at IS NOT NULL                                                                AS dropped,
       m.state = 'paused' AND m.error ->> 'name' IN ('ApprovalNeeded', 'Rehearsed')            AS paused_for_it,
       to_char(m.approval_asked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')        AS waiting_since,
       to_char(m.approved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')              AS approved_at
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint
:end
