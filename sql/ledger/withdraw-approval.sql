-- Withdraws an approval, as long as the drop has not begun. No row: there is none, or it is too late. The drop locks this row
-- when it reads the approval under its locks (approval-of-drop.sql): a later UPDATE waits for it, and then finds dropped_at.
-- not null: withdrawn_at
-- may be null: reason
UPDATE p2pfk.migration m
   SET approved_at = NULL, approved_by = NULL, approval_reason = NULL, approval_withdrawn_at = clock_timestamp(),
       approval_withdrawn_by = :'by'::text, approval_withdrawn_reason = nullif(:'reason'::text, ''), updated_at = now()
 WHERE m.id = :'migration_id'::bigint AND m.state IN ('running', 'paused') AND m.dropped_at IS NULL AND m.approved_at IS NOT NULL
RETURNING to_char(m.approval_withdrawn_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS withdrawn_at;
