-- What the DELETE probe needs, for each pair: the statements, and why it must not run there (`obstacle`, else NULL).
--
-- The probe deletes rows on the REFERENCED side, where the cascade costs time, and rolls that back. It may do that only where
-- nothing but the pair is affected, regardless of the application's objects: what a trigger, a rule or a function does (dblink, a
-- sequence, a file) is not undone by a rollback, and would run with the rights of the migrating role. The affected tables are the
-- referenced partition and, where ON DELETE acts on rows, the referencing one; while the parent FK exists (:'constraint_oid'),
-- the whole referencing table, because its action names that. Refused are, on any of them:
--   - a trigger that would fire and is not the pair FK's own: one of the application, or of another foreign key
--   - a rule; row-level security; a foreign key of a partition to itself, whose cascade goes on by itself
--   - a function, operator or operator class that is not PostgreSQL's own in a constraint, default, generated column, index,
--     domain or partition key: whatever pg_depend knows of, for it keeps no record of what comes with PostgreSQL
--   - an expression that would be evaluated and is not known to run PostgreSQL's own IMMUTABLE functions alone, on its own types:
--     query_to_xml runs SQL, JSON_VALUE and a cast the CHECK of a domain, and of both pg_depend may know nothing. That goes by the
--     tree: known kinds of nodes, functions and types from initdb (oid below 16384), enums. SET NULL and SET DEFAULT write the
--     referencing row: CHECKs, generated columns, domains of any column at any depth, partition keys, and for SET DEFAULT the
--     defaults of the foreign key's columns. A row that is only deleted has none of these evaluated; the planner simplifies the
--     indexes' expressions and predicates for every statement, so these count always
--   - more rows for each key, by the statistics, than :'fan_out'
--
-- :'leaving_oid' is a parent FK that will not exist any more when the DELETE is executed: used before the locks of the drop.
-- tgtype: 8 is DELETE, 16 is UPDATE. tgisinternal would not do: before 15 the copies of a trigger on the partitions have it too.
-- The rows are chosen without a scan: by ctid, from sixteen blocks spread over the partition; with SKIP LOCKED, so that the query
-- does not wait for rows that the application has locked; and only rows that at most :'fan_out' rows reference, which are counted
-- up to that number through the index. `lock` prevents other sessions from adding a trigger, a rule or a foreign key meanwhile:
-- take it, ask again, delete. Run it with search_path = pg_catalog.
-- not null: pair, referenced, filled, lock, choose, delete
:begin
WITH RECURSIVE pair AS (
  SELECT p.pair, p.referencing_oid, p.referenced_oid, p.constraint_oid AS pair_constraint_oid, c.oid AS constraint_oid, c.conkey, c.confkey, c.conpfeqop, c.confdeltype,
         CASE c.confdeltype WHEN 'c' THEN 8 WHEN 'n' THEN 16 WHEN 'd' THEN 16 ELSE 0 END AS event,
         nullif(:'constraint_oid'::text, '')::oid AS parent_oid
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_oid oid)
    JOIN pg_constraint c ON c.oid = coalesce(nullif(:'constraint_oid'::text, '')::oid, p.constraint_oid)
), own AS (
  SELECT x.oid FROM pair p CROSS JOIN LATERAL (VALUES (p.constraint_oid), (p.pair_constraint_oid)) x(oid) WHERE x.oid IS NOT NULL
  UNION
  SELECT nullif(:'leaving_oid'::text, '')::oid
  UNION
  SELECT c.oid FROM own o JOIN pg_constraint c ON c.conparentid = o.oid
), member AS (
  SELECT c.conrelid AS oid FROM pg_constraint c WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid
  UNION
  SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.oid
), reached AS (
  SELECT p.pair, p.referenced_oid AS oid, 8 AS event FROM pair p
  UNION
  SELECT p.pair, p.referencing_oid, p.event FROM pair p
  UNION
  SELECT p.pair, m.oid, p.event FROM pair p, member m
), up AS (
  SELECT DISTINCT r.oid AS relation, r.oid FROM reached r
  UNION
  SELECT u.relation, i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.oid
), part(relation, classid, objid) AS (
  SELECT u.relation, 'pg_class'::regclass::oid, u.oid FROM up u
  UNION ALL
  SELECT r.oid, 'pg_class'::regclass, x.indexrelid FROM (SELECT DISTINCT oid FROM reached) r JOIN pg_index x ON x.indrelid = r.oid
  UNION ALL
  SELECT r.oid, 'pg_constraint'::regclass, c.oid FROM (SELECT DISTINCT oid FROM reached) r JOIN pg_constraint c ON c.conrelid = r.oid
  UNION ALL
  SELECT r.oid, 'pg_attrdef'::regclass, d.oid FROM (SELECT DISTINCT oid FROM reached) r JOIN pg_attrdef d ON d.adrelid = r.oid
), column_type AS MATERIALIZED (
  SELECT DISTINCT r.oid AS relation, a.atttypid AS oid FROM (SELECT DISTINCT oid FROM reached) r
   CROSS JOIN LATERAL (SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped OFFSET 0) a
), made AS (
  -- A type, and what it is made of: elements of an array, the type below a domain, the subtype of a range, the columns of a composite type.
  SELECT DISTINCT c.oid AS whole, c.oid FROM column_type c
  UNION
  SELECT y.whole, z.oid
    FROM made y
    JOIN pg_type t ON t.oid = y.oid
   CROSS JOIN LATERAL (
         SELECT t.typbasetype AS oid
         UNION ALL SELECT t.typelem
         UNION ALL SELECT g.rngsubtype FROM pg_range g
                    WHERE t.typtype = 'r' AND g.rngtypid = t.oid OR t.typtype = 'm' AND to_jsonb(g) ->> 'rngmultitypid' = t.oid::text  -- column of 14+
         UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) z
   WHERE z.oid <> 0
), type AS (
  SELECT c.relation, m.oid FROM column_type c JOIN made m ON m.whole = c.oid
), evaluated(relation, written, what, tree) AS (
  SELECT x.indrelid, false, format('index %s', x.indexrelid::regclass), concat_ws(' ', x.indexprs::text, x.indpred::text)
    FROM pg_index x WHERE x.indrelid IN (SELECT r.oid FROM reached r) AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL)
  UNION ALL
  SELECT c.conrelid, true, format('CHECK %I of %s', c.conname, c.conrelid::regclass), c.conbin::text
    FROM pg_constraint c WHERE c.conrelid IN (SELECT r.oid FROM reached r) AND c.contype = 'c'
  UNION ALL
  SELECT d.adrelid, true, format('the %s of column %I of %s', CASE a.attgenerated WHEN '' THEN 'default' ELSE 'expression' END, a.attname, d.adrelid::regclass),
         d.adbin::text
    FROM pg_attrdef d
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
   WHERE d.adrelid IN (SELECT r.oid FROM reached r)
     AND (a.attgenerated <> '' OR EXISTS (SELECT FROM pg_constraint c JOIN pair p ON c.oid IN (p.constraint_oid, p.pair_constraint_oid)
                                           JOIN pg_attribute k ON k.attrelid = c.conrelid AND k.attnum = ANY (c.conkey)
                                          WHERE p.confdeltype = 'd' AND k.attname = a.attname))
  UNION ALL
  SELECT u.relation, true, format('the partition key of %s', u.oid::regclass), k.partexprs::text
    FROM up u JOIN pg_partitioned_table k ON k.partrelid = u.oid AND k.partexprs IS NOT NULL
  UNION ALL
  SELECT y.relation, true, format('domain %s', t.oid::regtype), concat_ws(' ', t.typdefaultbin::text, c.conbin::text)
    FROM type y
    JOIN pg_type t ON t.oid = y.oid AND t.typtype = 'd' AND t.oid >= 16384
    LEFT JOIN pg_constraint c ON c.contypid = t.oid
), unknown AS MATERIALIZED (
  SELECT e.relation, e.written, e.what
    FROM evaluated e
   WHERE e.tree ~ ('\{(?!(?:VAR|CONST|FUNCEXPR|OPEXPR|DISTINCTEXPR|NULLIFEXPR|SCALARARRAYOPEXPR|BOOLEXPR|NULLTEST|BOOLEANTEST|RELABELTYPE'
                || '|ARRAYEXPR|ARRAY|CASEEXPR|CASE|CASEWHEN|WHEN|CASETESTEXPR|COALESCEEXPR|COALESCE|COERCEVIAIO|COERCETODOMAINVALUE) )')
      OR EXISTS (SELECT FROM regexp_matches(e.tree, ':(?:funcid|opfuncid) (\d+)', 'g') r(m)
                   LEFT JOIN pg_proc f ON f.oid = r.m[1]::oid AND f.oid < 16384 AND f.provolatile = 'i'
                  WHERE f.oid IS NULL)
      OR EXISTS (SELECT FROM regexp_matches(e.tree, ':(\w*(?:type|type[iI]d|typid)) (\d{5,})', 'g') r(m)
                   LEFT JOIN pg_type t ON t.oid = r.m[2]::oid
                   LEFT JOIN pg_type i ON i.oid = t.typelem
                  WHERE r.m[2]::oid >= 16384 AND 'e' NOT IN (coalesce(t.typtype, '?'), coalesce(i.typtype, '?'))
                    -- A column's value has been checked already.
                    AND NOT (r.m[1] = 'vartype' AND coalesce(t.typtype = 'd' AND t.typbasetype < 16384, false)))
), key_type AS (
  SELECT p.pair, a.atttypid AS oid
    FROM pair p
    JOIN pg_constraint c ON c.oid = p.constraint_oid
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) OR a.attrelid = c.confrelid AND a.attnum = ANY (c.confkey)
  UNION
  SELECT y.pair, t.typbasetype FROM key_type y JOIN pg_type t ON t.oid = y.oid AND t.typtype = 'd'
), foreign_code AS MATERIALIZED (
  SELECT p.relation, d.refclassid, d.refobjid
    FROM part p
    JOIN pg_depend d ON d.classid = p.classid AND d.objid = p.objid
   WHERE d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass, 'pg_am'::regclass)
  UNION ALL
  SELECT y.relation, d.refclassid, d.refobjid
    FROM type y
    JOIN pg_type t ON t.oid = y.oid AND t.typtype = 'd'
    LEFT JOIN pg_constraint c ON c.contypid = t.oid
    JOIN pg_depend d ON (d.classid, d.objid) IN (('pg_type'::regclass, t.oid), ('pg_constraint'::regclass, c.oid))
                    AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
), obstacle(pair, n, line) AS MATERIALIZED (
  SELECT r.pair, 1, CASE WHEN k.oid IS NULL THEN format('trigger %I of %s would fire', g.tgname, r.oid::regclass)
                         WHEN k.confrelid = r.oid THEN format('%s references %s', k.conrelid::regclass, r.oid::regclass)
                         ELSE format('%s references %s as well', r.oid::regclass, k.confrelid::regclass) END
    FROM reached r
   CROSS JOIN LATERAL (SELECT g.* FROM pg_trigger g WHERE g.tgrelid = r.oid AND g.tgenabled <> 'D' AND g.tgtype & r.event <> 0 OFFSET 0) g
    LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint AND k.contype = 'f'
   WHERE NOT EXISTS (SELECT FROM own o WHERE o.oid = g.tgconstraint)
  UNION ALL
  SELECT p.pair, 2, format('%s references itself', p.referencing_oid::regclass) FROM pair p WHERE p.referencing_oid = p.referenced_oid AND p.event <> 0
  UNION ALL
  SELECT r.pair, 3, format('rule %I of %s would run', w.rulename, r.oid::regclass) FROM reached r JOIN pg_rewrite w ON w.ev_class = r.oid
  UNION ALL
  SELECT r.pair, 4, format('%s has row-level security', r.oid::regclass) FROM reached r
   CROSS JOIN LATERAL (SELECT FROM pg_class c WHERE c.oid = r.oid AND c.relrowsecurity OFFSET 0) c
  UNION ALL
  SELECT r.pair, 5, format('%s uses %s', r.oid::regclass, pg_describe_object(f.refclassid, f.refobjid, 0))
    FROM reached r JOIN foreign_code f ON f.relation = r.oid
  UNION ALL
  -- The = of a composite type or an array calls those of its parts, which pg_depend does not tell; an enum has no code.
  SELECT y.pair, 6, format('the key has the type %s', t.oid::regtype)
    FROM key_type y JOIN pg_type t ON t.oid = y.oid AND t.oid >= 16384 AND t.typtype NOT IN ('d', 'e')
  UNION ALL
  SELECT r.pair, 7, format('%s could run code that is not PostgreSQL''s own', x.what)
    FROM reached r JOIN unknown x ON x.relation = r.oid AND (r.event = 16 OR NOT x.written)
  UNION ALL
  SELECT p.pair, 8, format('about %s rows of %s reference each row of %s', round(e.fan_out), a.oid::regclass, b.oid::regclass)
    FROM pair p
    JOIN pg_class a ON a.oid = p.referencing_oid
    JOIN pg_class b ON b.oid = p.referenced_oid AND b.reltuples >= 1
   -- Within what a table can have, as in catalog/pairs.sql: a quotient of float4 can be too small for its type.
   CROSS JOIN LATERAL (SELECT least(greatest(a.reltuples::float8, 0), 1e13) / least(b.reltuples::float8, 1e13) AS fan_out) e
   WHERE p.event <> 0 AND e.fan_out > :'fan_out'::int
)
SELECT p.pair, format('%I.%I', bn.nspname, b.relname) AS referenced,
       (SELECT o.line FROM obstacle o WHERE o.pair = p.pair ORDER BY o.n, o.line LIMIT 1) AS obstacle,
       pg_relation_size(b.oid) > 0 AS filled,
       format('LOCK TABLE ONLY %I.%I, ONLY %I.%I IN ROW EXCLUSIVE MODE', bn.nspname, b.relname, an.nspname, a.relname) AS lock,
       format('WITH chosen AS MATERIALIZED ('
           || 'SELECT r.ctid AS row, %s FROM ONLY %I.%I r WHERE r.ctid = ANY (ARRAY('
           || 'SELECT format(''(%%s,%%s)'', block, item)::tid FROM (SELECT DISTINCT floor((n + 0.5) * %s / 16)::bigint AS block FROM generate_series(0, 15) n) b, generate_series(1, %s) item)) LIMIT %s FOR UPDATE SKIP LOCKED) '
           || 'SELECT count(*), array_agg(row) FILTER (WHERE referencing <= %s) FROM chosen c '
           || 'CROSS JOIN LATERAL (SELECT %s) f(referencing)',
              k.keys, bn.nspname, b.relname, pg_relation_size(b.oid) / current_setting('block_size')::int,
              (current_setting('block_size')::int - 24) / 28, :'rows'::int, :'fan_out'::int,
              -- Under the parent FK an index may be what is missing: then nothing is counted, statistics have to do.
              CASE WHEN p.parent_oid IS NULL
                   THEN format('(SELECT count(*) FROM (SELECT 1 FROM ONLY %I.%I x WHERE %s LIMIT %s) y)',
                               an.nspname, a.relname, k.condition, :'fan_out'::int + 1)
                   ELSE '0' END) AS choose,
       format('DELETE FROM ONLY %I.%I WHERE ctid = ANY ($1)', bn.nspname, b.relname) AS delete,
       -- By its name, and not where a constraint trigger, which can have any function, has that name.
       (SELECT format('SET CONSTRAINTS %I.%I IMMEDIATE', n.nspname, c.conname)
          FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
         WHERE c.oid = p.constraint_oid AND c.condeferrable
           AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conname = c.conname AND o.connamespace = c.connamespace AND o.contype = 't')) AS fire
  FROM pair p
  JOIN pg_class a ON a.oid = p.referencing_oid AND a.relkind = 'r' JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = p.referenced_oid AND b.relkind = 'r' JOIN pg_namespace bn ON bn.oid = b.relnamespace
 CROSS JOIN LATERAL (
       -- Columns by the names of the pair: the parent FK's attribute numbers are not those of its partitions.
       SELECT string_agg(format('r.%I AS k%s', rb.attname, u.n), ', ' ORDER BY u.n) AS keys,
              string_agg(format('c.k%s%s OPERATOR(%I.%s) x.%I%s', u.n,
                                CASE WHEN o.oprleft <> rb.atttypid AND lt.typtype <> 'p' THEN format('::%I.%I', ltn.nspname, lt.typname) END,
                                opn.nspname, o.oprname, ra.attname,
                                CASE WHEN o.oprright <> ra.atttypid AND rt.typtype <> 'p' THEN format('::%I.%I', rtn.nspname, rt.typname) END), ' AND ' ORDER BY u.n) AS condition
         FROM unnest(p.conkey, p.confkey, p.conpfeqop) WITH ORDINALITY u(att, ratt, op, n)
         JOIN pg_constraint f ON f.oid = p.constraint_oid
         JOIN pg_attribute ra ON ra.attrelid = f.conrelid AND ra.attnum = u.att
         JOIN pg_attribute rb ON rb.attrelid = f.confrelid AND rb.attnum = u.ratt
         JOIN pg_operator o ON o.oid = u.op
         JOIN pg_namespace opn ON opn.oid = o.oprnamespace
         JOIN pg_type lt ON lt.oid = o.oprleft JOIN pg_namespace ltn ON ltn.oid = lt.typnamespace
         JOIN pg_type rt ON rt.oid = o.oprright JOIN pg_namespace rtn ON rtn.oid = rt.typnamespace) k
 ORDER BY p.pair
:end
