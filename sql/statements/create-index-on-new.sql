-- The supporting index of a new pair, built before the partition is visible to other sessions: see create-index for its purpose.
-- Lock: SHARE on the new referencing partition, which is empty and not visible to other sessions yet.
-- not null: pair, sql, lock
SELECT p.pair,
       format('CREATE INDEX %I ON %I.%I (%s)', p.index_name, an.nspname, a.relname, coalesce(p.index_columns, :'columns'::text)) AS sql,
       'SHARE on the new referencing partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, index_name name, index_columns text)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 ORDER BY p.pair;
