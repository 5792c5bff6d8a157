-- Drops row-movement guards of leaves that are in no pair any more, and the guard of an older version, which is on the referenced
-- table. The others were dropped with the last pair FK to their leaf.
\set file ../../catalog/row-movement-guards.sql
\ir ../control/rows.sql
\set list :result
\set body ../pairs/drop-guard.sql
\ir ../control/each-pair.sql
