-- Builds the index with which a DELETE or UPDATE on the referenced side finds the referencing rows. It fixes the DELETE that
-- never ends; the pair FK alone does not (fact 7 of docs/postgresql-facts.md).
-- Lock: SHARE UPDATE EXCLUSIVE on the referencing leaf. Blocks no reader and no writer, neither held nor waited for.
-- Blocked by: transactions older than itself (it waits for them), VACUUM and DDL on the same leaf.
-- Safe because: an interrupted build leaves an INVALID index, which the next attempt drops. Runs outside a transaction.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('CREATE INDEX CONCURRENTLY %I ON %I.%I (%s)',
              p.index_name, an.nspname, a.relname, coalesce(p.index_columns, :'columns'::text)) AS sql,
       'SHARE UPDATE EXCLUSIVE on the referencing partition' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, index_name name, index_columns text)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
 ORDER BY p.pair
:end
