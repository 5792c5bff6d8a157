-- Foreign keys with the columns and actions of the pair FKs, from a referencing leaf to a referenced leaf that is not its
-- partner. Such a constraint refuses every row of its partition, or is on the wrong table after a re-attach.
-- not null: name, referencing_oid, referencing, referenced
:begin
WITH RECURSIVE referencing AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referencing t JOIN pg_inherits i ON i.inhparent = t.oid
), referenced AS (
  SELECT :'referenced_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referenced t JOIN pg_inherits i ON i.inhparent = t.oid
), pair AS (
  SELECT referencing_oid, referenced_oid
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
)
SELECT c.conname AS name, c.conrelid AS referencing_oid, format('%I.%I', an.nspname, a.relname) AS referencing, format('%I.%I', bn.nspname, b.relname) AS referenced
  FROM pg_constraint c
  JOIN referencing f ON f.oid = c.conrelid
  JOIN referenced r ON r.oid = c.confrelid
  JOIN pg_class a ON a.oid = c.conrelid AND a.relkind = 'r' JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = c.confrelid AND b.relkind = 'r' JOIN pg_namespace bn ON bn.oid = b.relnamespace
 WHERE c.contype = 'f' AND c.conparentid = 0
   AND regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '')
       IN (format('FOREIGN KEY (%s) REFERENCES %s(%s)%s', :'columns'::text, c.confrelid::regclass, :'referenced_columns'::text, :'actions'::text),
           format('FOREIGN KEY (%s) REFERENCES %s(%s)%s', :'columns'::text, c.confrelid::regclass, :'referenced_columns'::text,
                  regexp_replace(:'actions'::text, ' DEFERRABLE$', ' DEFERRABLE INITIALLY DEFERRED')))
   AND NOT EXISTS (SELECT 1 FROM pair p WHERE p.referencing_oid = c.conrelid AND p.referenced_oid = c.confrelid)
 ORDER BY 2, 1
:end
