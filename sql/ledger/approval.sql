-- Facts for a person who acts on a migration: which execution waits since when, with which options, what was rehearsed, who
-- started it, what was approved, and what this role may write. It checks whether newer columns exist: a ledger of an older
-- version, which an approver cannot upgrade, lacks them.
-- not null: id, state, execution, options, login, role, dropped, may_note_more, may_note_events
-- types: state MigrationState, options MigrationOptions, rehearsal Rehearsal, approved_options KeptOptions
:begin
SELECT m.id::text AS id, m.state, m.execution, m.options, m.approved_by, m.rehearsal,
       to_jsonb(m) -> 'approved_options'                                                       AS approved_options,
       to_jsonb(m) ->> 'approved_login'                                                        AS approved_login,
       to_jsonb(m) ->> 'approval_reason'                                                       AS approval_reason,
       session_user::text                                                                      AS login,
       current_user::text                                                                      AS role,
       m.dropped_at IS NOT NULL                                                                AS dropped,
       m.state = 'paused' AND m.error ->> 'name' IN ('ApprovalNeeded', 'Rehearsed')            AS paused_for_it,
       to_char(m.approval_asked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')        AS waiting_since,
       to_char(m.lease_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')              AS lease_until,
       to_char(m.approved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')              AS approved_at,
       coalesce((SELECT bool_and(has_column_privilege(a.attrelid, a.attnum, 'UPDATE'))
                   FROM pg_attribute a
                  WHERE a.attrelid = to_regclass('p2pfk.migration')
                    AND a.attname IN ('approval_reason', 'approval_withdrawn_at', 'approval_withdrawn_by', 'approval_withdrawn_reason')), false)
                                                                                               AS may_note_more,
       coalesce(has_table_privilege(to_regclass('p2pfk.event'), 'INSERT'), false)
         AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('p2pfk.event') AND a.attname = 'person')
                                                                                               AS may_note_events
  FROM p2pfk.migration m
 WHERE m.id = :'migration_id'::bigint
:end
