-- Gives the triggers of this turn's pair FK the firing modes of the parent FK's (core/catalog/firing-modes.ts), in the caller's
-- transaction.
\ir standing.sql
\set pairs :named
\set file ../../statements/copy-firing-modes.sql
\ir ../control/rows.sql
SELECT jsonb_agg(s -> 'sql') AS statements, count(*) > 0 AS some
  FROM jsonb_array_elements(:'result'::jsonb) s \gset
\if :some
\set as_caller true
\ir ../control/attempt.sql
\if :failed
ROLLBACK;
SELECT format('FK for %s cannot fire as the parent-level FK does: %s', :'referencing', :'failure') AS refusal \gset
\set error_name StatementFailed
\ir ../control/give-up.sql
\endif
\endif
