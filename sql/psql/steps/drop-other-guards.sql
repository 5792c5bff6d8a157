-- Row-movement guards of leaves that are in no pair any more, and that of an older edition, which is on the referenced table. The
-- others have gone with the last pair FK to their leaf.
\set file ../../catalog/row-movement-guards.sql
\ir ../control/rows.sql
\set list :result
\set body ../pairs/drop-guard.sql
\ir ../control/each-pair.sql
