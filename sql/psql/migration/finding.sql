-- Adds the rows of one file of sql/findings, :finding, to :findings.
\set file ../../findings/ :finding .sql
\ir ../control/rows.sql
SELECT :'findings'::jsonb || :'result'::jsonb AS findings \gset
