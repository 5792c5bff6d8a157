-- Whether the owner of the tables :read_oid and :reached_oid, of their partitions or of the tables above them could add code: :by_owner.
\set root_oid :referencing_oid
\set root_referenced_oid :referenced_oid
\set referencing_oid :read_oid
\set referenced_oid :reached_oid
\set file ../../catalog/may-change-code.sql
\ir rows.sql
\set referencing_oid :root_oid
\set referenced_oid :root_referenced_oid
SELECT :'result'::jsonb -> 0 ->> 'by_owner' AS by_owner \gset
