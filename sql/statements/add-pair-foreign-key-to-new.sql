-- Adds the pair FK to a new pair, valid at once, because there is no row to check. Its shape is that of all other pair FKs.
-- Lock: SHARE ROW EXCLUSIVE on the two partitions. New ones are not visible to other sessions yet; one that existed before is
--   locked already.
-- not null: pair, sql, lock
SELECT p.pair,
       format('ALTER TABLE %I.%I ADD CONSTRAINT %I FOREIGN KEY (%s) REFERENCES %I.%I (%s)%s',
              an.nspname, a.relname, p.constraint_name, :'columns'::text,
              bn.nspname, b.relname, :'referenced_columns'::text, :'actions'::text) AS sql,
       'SHARE ROW EXCLUSIVE on the two partitions of the pair' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_name name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = p.referenced_oid JOIN pg_namespace bn ON bn.oid = b.relnamespace
 ORDER BY p.pair;
