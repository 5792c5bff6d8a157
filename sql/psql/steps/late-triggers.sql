-- BEFORE UPDATE triggers that run after the row-movement guards: the message of the finding trigger-after-guard in :late_triggers. Needs
-- migration/read-ledger-entry.sql.
\set given_options :options
SELECT jsonb_build_object('rowMovementGuard', :'looks_for_guards'::boolean) AS options,
       coalesce((SELECT jsonb_agg(p) FROM jsonb_array_elements(:'pairing'::jsonb) p WHERE p -> 'constraint_oid' <> 'null'), '[]') AS pairs \gset
\set findings '[]'
\set finding trigger-after-guard
\ir ../migration/finding.sql
SELECT coalesce(:'findings'::jsonb -> 0 ->> 'message', '') AS late_triggers \gset
\set options :given_options
\set pairs :pairing
