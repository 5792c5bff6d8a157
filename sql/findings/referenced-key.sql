-- The key of a referenced partition that a pair FK can reference: unique, valid, on exactly these columns, without expression or
-- predicate, and not DEFERRABLE. PostgreSQL does not compare the last property when a partition is attached, so a leaf's key may
-- be deferrable below a table whose key is not.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH leaf AS (
  SELECT p.referenced_oid AS oid, format('%I.%I', n.nspname, c.relname) AS name, min(p.pair) AS pair
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referenced_oid oid, constraint_oid oid)
    JOIN pg_class c ON c.oid = p.referenced_oid AND c.relkind = 'r'
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE p.constraint_oid IS NULL
   GROUP BY 1, 2
), key AS (
  SELECT l.name, l.pair, bool_or(x.indimmediate) AS usable, min(ic.relname::text) FILTER (WHERE NOT x.indimmediate) AS deferrable_key
    FROM leaf l
    LEFT JOIN pg_index x
      ON x.indrelid = l.oid AND x.indisunique AND x.indisvalid AND x.indislive AND x.indpred IS NULL AND x.indexprs IS NULL
     AND (SELECT array_agg(a.attname ORDER BY a.attname)
            FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(attnum, n)
            JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
           WHERE k.n <= x.indnkeyatts)
         = (SELECT array_agg(e::name ORDER BY e::name) FROM jsonb_array_elements_text(:'referenced_column_names'::jsonb) e)
    LEFT JOIN pg_class ic ON ic.oid = x.indexrelid
   GROUP BY l.name, l.pair
)
SELECT 'deferrable-key' AS id, 'error' AS severity, false AS needs_acceptance,
       format('%s referenced partition(s) have only a DEFERRABLE key on (%s), the first being %s of %s: PostgreSQL lets no foreign key reference it',
              count(*), :'referenced_columns'::text, (array_agg(deferrable_key ORDER BY pair))[1], (array_agg(name ORDER BY pair))[1]) AS message,
       format('CREATE UNIQUE INDEX CONCURRENTLY ON %s (%s), a key that is not deferrable, for each', (array_agg(name ORDER BY pair))[1], :'referenced_columns'::text) AS remedy
  FROM key
 WHERE NOT coalesce(usable, false) AND deferrable_key IS NOT NULL
HAVING count(*) > 0
UNION ALL
SELECT 'missing-key', 'error', false,
       format('%s referenced partition(s) have no valid unique index on exactly (%s), the first being %s: no foreign key can reference it',
              count(*), :'referenced_columns'::text, (array_agg(name ORDER BY pair))[1]),
       format('CREATE UNIQUE INDEX CONCURRENTLY ON %s (%s), for each', (array_agg(name ORDER BY pair))[1], :'referenced_columns'::text)
  FROM key
 WHERE NOT coalesce(usable, false) AND deferrable_key IS NULL
HAVING count(*) > 0
:end
