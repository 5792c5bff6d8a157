-- Whether one of the sessions in :'pids' (ledger/step-sessions.sql) is in a transaction. Run it as the login (core/postgres/session/as-login.ts).
-- not null: busy
SELECT EXISTS (SELECT 1 FROM pg_stat_activity a
                WHERE a.pid IN (SELECT p.pid::int FROM jsonb_array_elements_text(:'pids'::jsonb) p(pid)) AND a.xact_start IS NOT NULL) AS busy;
