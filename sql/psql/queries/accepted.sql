-- What was accepted, and by whom, to be written to the ledger with the options (core/checks/preflight/acceptance.ts).
SELECT :'options'::jsonb || jsonb_build_object('accepted', coalesce(jsonb_agg(coalesce(b, n)), '[]')) AS options
  FROM jsonb_to_recordset(:'findings'::jsonb) AS f(id text, message text, needs_acceptance boolean)
 CROSS JOIN LATERAL (SELECT jsonb_build_object('id', f.id, 'message', f.message, 'role', current_user, 'sessionUser', session_user,
                                               'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) x(n)
  LEFT JOIN LATERAL (SELECT e FROM jsonb_array_elements(:'accepted_before'::jsonb) e
                      WHERE e ->> 'id' = f.id AND e ->> 'message' = f.message LIMIT 1) y(b) ON true
 WHERE f.needs_acceptance \gset
