-- For each pair FK the lookup with which its ON DELETE action starts, as a query to be explained (explain-lookups.sql). The WHERE
-- clause is the one that PostgreSQL itself builds (ri_triggers.c): the key as parameters, the operators of the constraint, casts
-- where an operator needs another type. For all actions, SELECT ... FOR KEY SHARE, DELETE or UPDATE, PostgreSQL finds the rows by
-- the same access path, so a plain SELECT represents all three: it needs no right except SELECT, no rule rewrites it, and
-- explaining it prepares no default and no generated column of the application.
--
--   columns  attribute numbers of the referencing columns, in the order of the parameters $1, $2, ...
--   varying  those of them that are not constant in that partition: a LIST partition of one value makes its column constant,
--            and an index on that column alone finds every row. All of them where all are constant: no index does better then
--
-- Reads the catalog only. Its time is proportional to the number of pairs, regardless of the planner's assumptions about CTEs.
-- Run it with search_path = pg_catalog.
-- not null: pair, constraint_oid, referencing_oid, columns, varying, types, nulls, sql, lock_sql
-- types: columns number[], varying number[]
:begin
WITH RECURSIVE pair AS (
  SELECT p.pair, c.oid AS constraint_oid, c.conrelid, c.confrelid, c.conkey, c.confkey, c.conpfeqop
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, constraint_oid oid)
    JOIN pg_constraint c ON c.oid = p.constraint_oid
), up AS (
  SELECT DISTINCT p.conrelid AS leaf, i.inhrelid AS relation, i.inhparent AS parent
    FROM pair p JOIN pg_inherits i ON i.inhrelid = p.conrelid
  UNION ALL
  SELECT u.leaf, i.inhrelid, i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.parent
), constant AS MATERIALIZED (
  SELECT u.leaf, a.attname
    FROM up u
    JOIN pg_class c ON c.oid = u.relation AND c.relispartition
    JOIN pg_partitioned_table t ON t.partrelid = u.parent AND t.partstrat = 'l'
    JOIN pg_attribute a ON a.attrelid = u.parent AND a.attnum = t.partattrs[0]
   WHERE pg_get_expr(c.relpartbound, c.oid) ~ $re$^FOR VALUES IN \((?:E?'(?:[^']|'')*'|[^,()'\s]+)\)$$re$
), base AS (
  SELECT t.oid AS type, t.oid AS base, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid IN (SELECT a.atttypid FROM pair p JOIN pg_attribute a ON a.attrelid = p.confrelid AND a.attnum = ANY (p.confkey))
  UNION ALL
  SELECT b.type, t.oid, t.typtype, t.typbasetype FROM base b JOIN pg_type t ON b.typtype = 'd' AND t.oid = b.typbasetype
)
SELECT p.pair, p.constraint_oid, p.conrelid AS referencing_oid, k.columns, k.varying, k.types, k.nulls,
       format('SELECT 1 FROM ONLY %I.%I x WHERE %s', n.nspname, r.relname, k.condition) AS sql,
       format('LOCK TABLE ONLY %I.%I IN ACCESS SHARE MODE', n.nspname, r.relname) AS lock_sql
  FROM pair p
  JOIN pg_class r ON r.oid = p.conrelid AND r.relkind = 'r'
  JOIN pg_namespace n ON n.oid = r.relnamespace
 CROSS JOIN LATERAL (
       SELECT jsonb_agg(a.attnum ORDER BY u.n) AS columns,
              coalesce(jsonb_agg(a.attnum ORDER BY u.n)
                         FILTER (WHERE (p.conrelid, a.attname) NOT IN (SELECT c.leaf, c.attname FROM constant c)),
                       jsonb_agg(a.attnum ORDER BY u.n)) AS varying,
              -- A polymorphic operator (anyarray, anyenum) takes the column's own type, without a cast.
              string_agg(format('%I.%I', tn.nspname, t.typname), ', ' ORDER BY u.n) AS types,
              string_agg('NULL', ', ' ORDER BY u.n) AS nulls,
              string_agg(format('$%s OPERATOR(%I.%s) x.%I%s%s', u.n, opn.nspname, o.oprname, a.attname,
                                CASE WHEN o.oprright <> a.atttypid AND rt.typtype <> 'p' THEN format('::%I.%I', rtn.nspname, rt.typname) END,
                                CASE WHEN ra.attcollation <> a.attcollation AND NOT co.collisdeterministic
                                     THEN format(' COLLATE %I.%I', con.nspname, co.collname) END), ' AND ' ORDER BY u.n) AS condition
         FROM unnest(p.conkey, p.confkey, p.conpfeqop) WITH ORDINALITY u(att, ratt, op, n)
         JOIN pg_attribute a ON a.attrelid = p.conrelid AND a.attnum = u.att
         JOIN pg_attribute ra ON ra.attrelid = p.confrelid AND ra.attnum = u.ratt
         JOIN pg_operator o ON o.oid = u.op
         JOIN pg_namespace opn ON opn.oid = o.oprnamespace
         JOIN pg_type lt ON lt.oid = o.oprleft
         JOIN pg_type rt ON rt.oid = o.oprright
         JOIN pg_namespace rtn ON rtn.oid = rt.typnamespace
         JOIN pg_type t ON t.oid = CASE WHEN lt.typtype = 'p'
                                        THEN (SELECT b.base FROM base b WHERE b.type = ra.atttypid AND b.typtype <> 'd')
                                        ELSE lt.oid END
         JOIN pg_namespace tn ON tn.oid = t.typnamespace
         LEFT JOIN pg_collation co ON co.oid = ra.attcollation
         LEFT JOIN pg_namespace con ON con.oid = co.collnamespace) k
 ORDER BY p.pair
:end
