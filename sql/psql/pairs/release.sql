-- One pair that no longer exists: drops its FK, its index and the guard that only it needed, if the migration has added them.
\set step ReleasePair
\set enter p2pfk.enter
\set lock_mode 'ACCESS EXCLUSIVE'
\ir ../../statements/lock-pair-for-drop.sql
\set lock_sql :sql
SELECT jsonb_build_array(:'pair_referencing_oid', :'pair_referenced_oid') AS lock_relations,
       jsonb_build_array(:'pair_referencing_oid', :'pair_referenced_oid') AS lock_named,
       format('removal of what was added to %s', :'referencing') AS subject \gset
\ir ../locks/lock.sql
\set file ../../statements/release-pair.sql
\ir ../control/rows.sql
\set released :result
\set file ../../statements/drop-row-movement-guard.sql
\ir ../control/rows.sql
SELECT coalesce(jsonb_agg(s.e -> 'sql' ORDER BY s.n), '[]') AS statements
  FROM jsonb_array_elements(:'released'::jsonb || :'result'::jsonb) WITH ORDINALITY s(e, n) \gset
\ir ../locks/change-all.sql
SELECT jsonb_build_object('constraint_added', false, 'index_added', false) AS changes \gset
\ir ../../ledger/change-pair.sql
\ir ../locks/record.sql
\echo ✓ :referencing is no partition of the pair any more: what was added to it is gone
