-- Adds the pair FK without reading existing rows; new rows are checked from this moment on.
--
-- Beside a parent FK that is DEFERRABLE it is INITIALLY DEFERRED until the drop (rename-pair-foreign-keys.sql): an application
-- that uses SET CONSTRAINTS with the parent FK's name does not mean this one yet, and the parent FK still checks as early as
-- before.
-- Lock: SHARE ROW EXCLUSIVE on the two leaf partitions of the pair (fact 1 of docs/postgresql-facts.md), for milliseconds.
-- Blocked by: any writer of either leaf.
-- Safe because: NOT VALID scans nothing, and the parent FK still covers every row.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('ALTER TABLE %I.%I ADD CONSTRAINT %I FOREIGN KEY (%s) REFERENCES %I.%I (%s)%s NOT VALID',
              an.nspname, a.relname, p.constraint_name, :'columns'::text,
              bn.nspname, b.relname, :'referenced_columns'::text,
              CASE WHEN nullif(:'constraint_oid'::text, '') IS NULL THEN :'actions'::text
                   ELSE regexp_replace(:'actions'::text, ' DEFERRABLE$', ' DEFERRABLE INITIALLY DEFERRED') END) AS sql,
       'SHARE ROW EXCLUSIVE on the two partitions of the pair' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_name name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = p.referenced_oid JOIN pg_namespace bn ON bn.oid = b.relnamespace
 ORDER BY p.pair
:end
