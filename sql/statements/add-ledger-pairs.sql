-- Adds pairs to the ledger that it does not have: a rollback then drops what was made for them, and no more.
-- Lock: none on any table of the application.
-- not null: pair, sql, lock
SELECT p.pair,
       format('INSERT INTO p2pfk.pair (migration_id, pair, referencing_oid, referencing, referenced_oid, referenced, bound, rows, bytes,'
              || ' constraint_name, constraint_added, index_name, index_added, state)'
              || ' SELECT %s, coalesce(pg_catalog.max(pair), 0) OPERATOR(pg_catalog.+) 1, %s, %L, %s, %L, %L, %s, %s, %L, %L, %L, %L, ''validated'''
              || ' FROM p2pfk.pair WHERE migration_id OPERATOR(pg_catalog.=) %s'
              || ' HAVING coalesce(pg_catalog.bool_and(NOT (referencing_oid OPERATOR(pg_catalog.=) %s AND referenced_oid OPERATOR(pg_catalog.=) %s)), true)',
              :'migration_id'::bigint, p.referencing_oid, p.referencing, p.referenced_oid, p.referenced, p.bound, p.rows,
              p.bytes, p.constraint_name, coalesce(p.constraint_added, false), p.index_name, coalesce(p.index_added, false),
              :'migration_id'::bigint, p.referencing_oid, p.referenced_oid) AS sql,
       'none on any table of the application' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(
         pair int, referencing_oid oid, referencing text, referenced_oid oid, referenced text, bound text, rows bigint,
         bytes bigint, constraint_name text, constraint_added boolean, index_name text, index_added boolean)
 ORDER BY p.pair;
