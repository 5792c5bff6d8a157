-- The foreign keys of one table.
--
-- Reads only; takes no lock except ACCESS SHARE on the catalogs. No row: there is no such table. One row with constraint_oid
-- NULL: a table without foreign keys. conparentid = 0 leaves out what PostgreSQL derives from a parent FK: since version 12 every
-- partition has child rows.
-- not null: table_oid, table_name, table_kind, table_is_partition, temporal
:begin
SELECT t.oid                                                        AS table_oid,
       format('%I.%I', tn.nspname, t.relname)                       AS table_name,
       t.relkind                                                    AS table_kind,
       t.relispartition                                             AS table_is_partition,
       c.oid                                                        AS constraint_oid,
       c.conname                                                    AS constraint_name,
       quote_ident(c.conname)                                       AS constraint_ident,
       -- One that is NOT ENFORCED (column of 18+) has nothing to validate.
       c.convalidated OR NOT coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true) AS validated,
       coalesce((to_jsonb(c) ->> 'conperiod')::boolean, false)      AS temporal,  -- column of 18+
       r.oid                                                        AS referenced_oid,
       CASE WHEN r.oid IS NOT NULL THEN format('%I.%I', rn.nspname, r.relname) END AS referenced_name,
       r.relkind                                                    AS referenced_kind
  FROM pg_class t
  JOIN pg_namespace tn ON tn.oid = t.relnamespace
  LEFT JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f' AND c.conparentid = 0
  LEFT JOIN pg_class r ON r.oid = c.confrelid
  LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
 WHERE t.oid = :'table_oid'::oid
 ORDER BY c.conname
:end
