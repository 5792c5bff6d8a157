-- The row-movement guard: a BEFORE UPDATE trigger on each referenced leaf of :pairs that refuses to move a row to another
-- partition. With a pair FK such an UPDATE would run the ON DELETE action on the referencing rows; with the parent FK alone
-- PostgreSQL 15+ refused it (fact 9 of docs/postgresql-facts.md).
-- Lock: SHARE ROW EXCLUSIVE on the leaf; lock-pair has taken it, because the pair FK that follows in the same transaction needs
--   it.
-- Safe because: a key change inside the leaf is accepted, and other UPDATEs cost one more comparison (`npm run bench -- guard`).
--
-- Its WHEN clause is NOT the leaf's partition constraint, all levels up, evaluated for the row as it will be stored: the trigger
-- has no column list, and its name sorts after others, which may change the key. PostgreSQL keeps the clause parsed: at run time
-- no name is looked up and no right is needed. It is created under the application's search_path, where an operator of the
-- application may hide one of PostgreSQL's, so all names are qualified, and the operators are those of the partition key's
-- operator classes, as in PostgreSQL's own constraint. Two conditions cannot be in the clause:
--   DEFAULT     its constraint changes with each sibling: where a key column changes, the function evaluates it.
--   expression  a key of a table above the referenced one may be one: the function is called for every UPDATE.
--
-- One row for each leaf, in :pairs' order. A role with TRIGGER on a leaf and USAGE on the schema p2pfk can create a trigger with
-- the guard's name that calls its function, with a WHEN clause that is never true. So a name and a function prove nothing:
--   taken       a trigger with the guard's name exists.
--   same        it refuses what it would refuse if it were created now: no copy of a trigger of a table above, the same timing, events
--               and function, no column list, and the same WHEN clause. Both clauses are compared as text without the names of
--               types, casts, collations and white space, with parentheses only where they group differently; what the text
--               leaves out is compared in the parsed clause: kinds of nodes, operators, collations and columns.
--   stands      it is the same, and fires whenever the foreign keys of the pair do (`firing` = `wanted_firing`, as tgenabled).
--   seen        identifies that trigger, with the version of its row: catalog/unguarded-pairs.sql asks for it under the locks.
--   asks        its function evaluates the partition constraint when a key changes: the leaf is a DEFAULT, or below one.
--   firing      as tgenabled; NULL where no trigger has its name.
--   old_firing  of the copy of an older version's guard, which is on the referenced table: it consists of IS DISTINCT FROM of the
--               old and the new value of every key column, with the key's = operator, and nothing else. A role with TRIGGER on the
--               table can create one, too. So it counts (is not null) only where it is all that this version leaves to do: no
--               trigger with the guard's name is on the leaf, in any form; no other BEFORE UPDATE trigger is there, whose changes
--               of the key an older guard does not see, whatever its name; and it fires whenever the foreign keys of the pair do.
-- `repair_sql` also works where another repair has created it meanwhile (14+); `enable_sql` makes it fire as the foreign key's
-- triggers do.
--
-- The texts put every operation into parentheses, as PostgreSQL prints them.
--
-- It is run for each pair in a session of its own, so the time to plan it counts, and by plan and drop for all pairs at once, so
-- its time must not grow with their square: each leaf is computed separately. OFFSET 0 keeps each lookup a separate index scan,
-- and MATERIALIZED keeps the planner from planning `wanted_firing` and the texts again wherever they are used.
-- not null: pair, oid, relation, sql, repair_sql, lock, enable_sql, drop_sql, taken, same, stands, asks, wanted_firing
:begin
SELECT guard.*
  FROM (SELECT g.referenced_oid AS oid, min(g.pair) AS pair
          FROM jsonb_to_recordset(:'pairs'::jsonb) AS g(pair int, referenced_oid oid)
         GROUP BY g.referenced_oid) asked
 CROSS JOIN LATERAL (
WITH RECURSIVE leaf AS (
  SELECT asked.oid, asked.pair
), step AS (
  SELECT l.oid AS leaf, l.oid AS child, i.inhparent AS parent, 1 AS level
    FROM leaf l JOIN pg_inherits i ON i.inhrelid = l.oid
  UNION ALL
  SELECT s.leaf, s.parent, i.inhparent, s.level + 1
    FROM step s CROSS JOIN LATERAL (SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = s.parent OFFSET 0) i
), bounded AS (
  SELECT s.*, p.partstrat AS strategy, p.partnatts::int AS keys, p.partattrs, p.partclass, p.partcollation, b.bound,
         -- What follows FOR VALUES IN, FROM or WITH.
         (SELECT array_agg(m.token[1] ORDER BY m.n)
            FROM regexp_matches(b.bound, $re$'(?:[^']|'')*'|[^,()\s]+$re$, 'g') WITH ORDINALITY m(token, n)
           WHERE m.n > 3 AND m.token[1] <> 'TO') AS tokens
    FROM step s
    JOIN pg_class c ON c.oid = s.child
    JOIN pg_partitioned_table p ON p.partrelid = s.parent
   CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
), key AS (
  SELECT b.leaf, b.level, k.n::int AS n, k.attnum = 0 AS is_expression, t.typarray <> 0 AS has_array,
         format('%I.%I', t.nspname, t.typname) AS type_name, quote_ident(a.attname) AS name,
         -- IS NULL looks into a row value; this does not.
         CASE base.typtype WHEN 'c' THEN 'IS NOT DISTINCT FROM NULL' ELSE 'IS NULL' END AS is_null,
         CASE base.typtype WHEN 'c' THEN 'IS DISTINCT FROM NULL' ELSE 'IS NOT NULL' END AS is_not_null,
         quote_ident(a.attname) || CASE WHEN t.oid = a.atttypid THEN '' ELSE format('::%I.%I', t.nspname, t.typname) END
           || CASE WHEN k.coll = 0 THEN '' ELSE format(' COLLATE %I.%I', co.nspname, co.collname) END AS value,
         a.attname, k.coll AS key_collation, op.*
    FROM bounded b
   CROSS JOIN LATERAL unnest(b.partattrs::int2[], b.partclass::oid[], b.partcollation::oid[]) WITH ORDINALITY k(attnum, opclass, coll, n)
    LEFT JOIN LATERAL (
         SELECT a.attname, a.atttypid FROM pg_attribute a WHERE a.attrelid = b.parent AND a.attnum = k.attnum AND k.attnum > 0 OFFSET 0) a ON true
   CROSS JOIN LATERAL (
         SELECT o.opcfamily, o.opcintype, t.typtype
           FROM pg_opclass o JOIN pg_type t ON t.oid = o.opcintype WHERE o.oid = k.opclass OFFSET 0) o
    -- The type that a domain is made of: what PostgreSQL compares where the operator takes any enum, array or row.
    LEFT JOIN LATERAL (
         WITH RECURSIVE domain AS (
           SELECT d.oid, d.typtype, d.typbasetype FROM pg_type d WHERE d.oid = a.atttypid
           UNION ALL
           SELECT d.oid, d.typtype, d.typbasetype FROM domain x JOIN pg_type d ON d.oid = x.typbasetype WHERE x.typtype = 'd'
         )
         SELECT d.oid, d.typtype FROM domain d WHERE d.typtype <> 'd') base ON true
    LEFT JOIN LATERAL (
         SELECT t.oid, t.typarray, t.typname, n.nspname
           FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
          WHERE t.oid = CASE WHEN o.typtype = 'p' THEN base.oid ELSE o.opcintype END OFFSET 0) t ON true
    LEFT JOIN LATERAL (
         SELECT c.collname, n.nspname
           FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = k.coll OFFSET 0) co ON true
   CROSS JOIN LATERAL (
         SELECT max(x.name) FILTER (WHERE m.amopstrategy = CASE b.strategy WHEN 'h' THEN 1 ELSE 3 END) AS equal,
                max(x.name) FILTER (WHERE m.amopstrategy = 1) AS less,
                max(x.name) FILTER (WHERE m.amopstrategy = 4) AS at_least,
                max(x.name) FILTER (WHERE m.amopstrategy = 5) AS greater,
                array_agg(m.amopopr) AS operators,
                array_agg(m.amopopr) FILTER (WHERE m.amopstrategy = CASE b.strategy WHEN 'h' THEN 1 ELSE 3 END) AS equals
           FROM pg_amop m
           JOIN pg_operator r ON r.oid = m.amopopr
           JOIN pg_namespace rn ON rn.oid = r.oprnamespace
          CROSS JOIN LATERAL (SELECT format('OPERATOR(%I.%s)', rn.nspname, r.oprname) AS name) x
          WHERE m.amopfamily = o.opcfamily AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype
            AND m.amoppurpose = 's') op
), literal AS (
  -- Each value of a LIST, and of both ends of a RANGE (lower first), as a literal of the key's type.
  SELECT b.leaf, b.level, b.strategy, k.n, (t.n - 1) / b.keys + 1 AS side, t.n AS position, t.token,
         format('%s::%s', CASE WHEN t.token LIKE '''%' THEN t.token ELSE quote_literal(t.token) END, k.type_name) AS text
    FROM bounded b
   CROSS JOIN LATERAL unnest(b.tokens) WITH ORDINALITY t(token, n)
    JOIN key k ON k.leaf = b.leaf AND k.level = b.level AND k.n = (t.n - 1) % b.keys + 1
   WHERE b.strategy IN ('l', 'r') AND b.bound <> 'DEFAULT' AND NOT k.is_expression
), range_end AS (
  -- Row by row: above the lower end is one whose first column is above it, or equal and the second one is above it, and so
  -- on. The first MINVALUE or MAXVALUE decides.
  SELECT v.leaf, v.level, v.side, coalesce('(' || string_agg('(' || v.text || ')', ' OR ' ORDER BY v.n) || ')', 'false') AS text
    FROM (SELECT l.leaf, l.level, l.side, l.n,
                 concat_ws(' AND ',
                   (SELECT string_agg(format('(new.%s %s %s)', e.value, e.equal, el.text), ' AND ' ORDER BY e.n)
                      FROM key e
                      JOIN literal el ON el.leaf = e.leaf AND el.level = e.level AND el.n = e.n AND el.side = l.side
                     WHERE e.leaf = l.leaf AND e.level = l.level AND e.n < l.n),
                   CASE WHEN l.token IN ('MINVALUE', 'MAXVALUE')
                        THEN CASE WHEN (l.token = 'MINVALUE') = (l.side = 1) THEN 'true' END
                        ELSE format('(new.%s %s %s)', k.value,
                                    CASE WHEN l.side = 2 THEN k.less WHEN l.n = b.keys THEN k.at_least ELSE k.greater END, l.text) END) AS text,
                 l.token IN ('MINVALUE', 'MAXVALUE') AND (l.token = 'MINVALUE') <> (l.side = 1) AS never
            FROM literal l
            JOIN bounded b ON b.leaf = l.leaf AND b.level = l.level
            JOIN key k ON k.leaf = l.leaf AND k.level = l.level AND k.n = l.n
           WHERE l.strategy = 'r'
             AND NOT EXISTS (SELECT 1 FROM literal i WHERE i.leaf = l.leaf AND i.level = l.level AND i.side = l.side
                                                       AND i.n < l.n AND i.token IN ('MINVALUE', 'MAXVALUE'))) v
   WHERE NOT v.never
   GROUP BY v.leaf, v.level, v.side
), bound_text AS (
  SELECT b.leaf, b.level, b.bound = 'DEFAULT' AS is_default,
         EXISTS (SELECT 1 FROM key k WHERE k.leaf = b.leaf AND k.level = b.level AND k.is_expression) AS has_expression,
         CASE b.strategy
           WHEN 'l' THEN (
             SELECT CASE WHEN every(l.token = 'NULL') THEN format('new.%s %s', k.name, k.is_null)
                         ELSE format('(new.%s %s ', k.name, CASE WHEN bool_or(l.token = 'NULL') THEN k.is_null || ') OR' ELSE k.is_not_null || ') AND' END)
                           || CASE WHEN count(*) FILTER (WHERE l.token <> 'NULL') > 1 AND k.has_array
                                   THEN format('(new.%s %s ANY (ARRAY[%s]))', k.value, k.equal,
                                               string_agg(l.text, ', ' ORDER BY l.position) FILTER (WHERE l.token <> 'NULL'))
                                   ELSE format('(%s)', string_agg(format('(new.%s %s %s)', k.value, k.equal, l.text), ' OR ' ORDER BY l.position)
                                                         FILTER (WHERE l.token <> 'NULL')) END END
               FROM key k JOIN literal l ON l.leaf = k.leaf AND l.level = k.level
              WHERE k.leaf = b.leaf AND k.level = b.level
              GROUP BY k.name, k.is_null, k.is_not_null, k.value, k.equal, k.has_array)
           WHEN 'r' THEN (
             SELECT string_agg(format('(new.%s %s)', k.name, k.is_not_null), ' AND ' ORDER BY k.n)
               FROM key k WHERE k.leaf = b.leaf AND k.level = b.level)
             || (SELECT string_agg(' AND ' || coalesce(r.text, 'false'), '' ORDER BY s.side)
                   FROM (VALUES (1), (2)) s(side)
                   LEFT JOIN range_end r ON r.leaf = b.leaf AND r.level = b.level AND r.side = s.side)
           WHEN 'h' THEN (
             -- By name: an oid as a number would mean another table, or none, after a dump and restore. Not %L, which writes E'' around a
             -- backslash: PostgreSQL prints it as it is, and the two texts are compared.
             SELECT format('pg_catalog.satisfies_hash_partition(''%s''::pg_catalog.regclass, %s, %s, %s)', replace(format('%I.%I', n.nspname, c.relname), '''', ''''''),
                           b.tokens[2], b.tokens[4],
                           (SELECT string_agg('new.' || k.name, ', ' ORDER BY k.n) FROM key k WHERE k.leaf = b.leaf AND k.level = b.level))
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.oid = b.parent)
         END AS text
    FROM bounded b
), clause AS (
  SELECT t.leaf,
         bool_or(t.is_default OR t.has_expression) AS asks,
         CASE WHEN bool_or(t.has_expression) THEN ''
              WHEN bool_or(t.is_default) THEN (
                SELECT format(' WHEN (%s)', string_agg(DISTINCT
                         format('(NOT (((old.%1$s %2$s) AND (new.%1$s %2$s)) OR ((old.%1$s %3$s) AND (new.%1$s %3$s) AND (old.%4$s %5$s new.%4$s))))',
                                k.name, k.is_null, k.is_not_null, k.value, k.equal), ' OR '))
                  FROM key k WHERE k.leaf = t.leaf)
              ELSE format(' WHEN (NOT (%s))', string_agg(format('(%s)', t.text), ' AND ' ORDER BY t.level)) END AS text
    FROM bound_text t
   GROUP BY t.leaf
), wanted AS MATERIALIZED (
  SELECT l.pair, l.oid, format('%I.%I', n.nspname, c.relname) AS relation, g.*, w.asks, w.text AS clause,
         '~p2pfk_row_movement_guard_' || :'migration_id'::text AS name,
         -- As the triggers of the foreign key on this leaf, the parent FK's or the pair FKs': all ALWAYS, or none (plan refuses).
         CASE WHEN EXISTS (SELECT 1
                             FROM pg_trigger t
                             JOIN pg_constraint f ON f.oid = t.tgconstraint AND f.contype = 'f' AND f.confrelid = l.oid
                            WHERE t.tgrelid = l.oid AND t.tgenabled = 'A'
                              AND f.conrelid IN (WITH RECURSIVE referencing AS (
                                                   SELECT :'referencing_oid'::oid AS oid
                                                   UNION ALL
                                                   SELECT i.inhrelid FROM referencing r JOIN pg_inherits i ON i.inhparent = r.oid)
                                                 SELECT r.oid FROM referencing r))
              THEN 'A' ELSE 'O' END AS wanted_firing,
         (SELECT t.tgenabled
            FROM pg_trigger t
           CROSS JOIN LATERAL (SELECT t.tgqual::text AS qual) q
           WHERE t.tgrelid = l.oid AND t.tgname = ('p2pfk_row_movement_guard_' || :'migration_id'::text)::name
             AND t.tgparentid <> 0 AND t.tgtype = 19 AND t.tgnargs = 0 AND t.tgfoid = x.function
             AND :'referenced_oid'::oid = (WITH RECURSIVE above AS (
                                             SELECT t.tgparentid AS oid
                                             UNION ALL
                                             SELECT p.tgparentid FROM above a JOIN pg_trigger p ON p.oid = a.oid WHERE p.tgparentid <> 0)
                                           SELECT p.tgrelid FROM above a JOIN pg_trigger p ON p.oid = a.oid AND p.tgparentid = 0)
             AND NOT EXISTS (SELECT FROM regexp_matches(q.qual, $re$\{([A-Z_]+)$re$, 'g') m(t)
                              WHERE m.t[1] <> ALL (ARRAY['BOOLEXPR', 'DISTINCTEXPR', 'RELABELTYPE', 'VAR']))
             AND q.qual !~ ':boolop (and|not)'
             AND NOT EXISTS (SELECT FROM regexp_matches(q.qual, ':opno ([0-9]+)', 'g') m(t)
                              WHERE NOT EXISTS (SELECT FROM key k WHERE k.leaf = l.oid AND m.t[1]::oid = ANY (k.equals)))
             -- Of each operator both sides are the same column, and every column of a key is in one, and in the column list.
             AND NOT EXISTS (SELECT FROM regexp_matches(q.qual, ':varno ([0-9]+) :varattno ([0-9]+)', 'g') WITH ORDINALITY m(t, n)
                              GROUP BY (m.n - 1) / 2
                             HAVING string_agg(m.t[1], ' ' ORDER BY m.n) <> '1 2' OR min(m.t[2]) <> max(m.t[2]))
             AND NOT EXISTS (SELECT FROM key k LEFT JOIN pg_attribute a ON a.attrelid = l.oid AND a.attname = k.attname
                              WHERE k.leaf = l.oid
                                AND (a.attnum = ANY (t.tgattr::int2[]) AND q.qual ~ format(':varno 2 :varattno %s ', a.attnum)) IS NOT TRUE)
             AND NOT EXISTS (SELECT FROM pg_trigger b
                              WHERE b.tgrelid = l.oid AND (b.tgtype & 19) = 19 AND b.tgenabled <> 'D' AND b.tgfoid <> x.function
                                AND b.tgfoid <> 'pg_catalog.suppress_redundant_updates_trigger'::regproc)) AS old_firing
    FROM leaf l
    JOIN pg_class c ON c.oid = l.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN clause w ON w.leaf = l.oid
   CROSS JOIN LATERAL (
         SELECT (SELECT f.oid FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
                  WHERE n.nspname = 'p2pfk' AND f.proname = 'refuse_row_movement' AND f.pronargs = 0) AS function OFFSET 0) x
    LEFT JOIN LATERAL (
         SELECT t.oid AS trigger, t.tgenabled AS firing, pg_get_triggerdef(t.oid) AS definition, coalesce(t.tgqual::text, '') AS qual,
                format('%s %s', t.oid, t.xmin) AS row_version,
                t.tgtype = 19 AND t.tgattr::text = '' AND t.tgparentid = 0 AND t.tgconstraint = 0 AND t.tgnargs = 0 AND NOT t.tgisinternal
                  AND t.tgfoid = x.function AS is_guard
           FROM pg_trigger t
          WHERE t.tgrelid = l.oid AND t.tgname = ('~p2pfk_row_movement_guard_' || :'migration_id'::text)::name) g ON true
), written AS MATERIALIZED (
  SELECT w.*, t.head || w.clause || t.tail AS create_sql,
         CASE w.wanted_firing WHEN 'A' THEN format('; ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', w.relation, w.name) ELSE '' END AS always_sql,
         w.is_guard IS TRUE AND starts_with(w.definition, t.head) AS is_comparable,
         substr(w.definition, length(t.head) + 1, greatest(0, length(w.definition) - length(t.head) - length(t.tail))) AS clause_there
    FROM wanted w
   CROSS JOIN LATERAL (SELECT format('CREATE TRIGGER %I BEFORE UPDATE ON %s FOR EACH ROW', w.name, w.relation) AS head,
                              ' EXECUTE FUNCTION p2pfk.refuse_row_movement()' AS tail) t
), grouped AS (
  -- A clause becomes one token: again and again its first innermost parentheses, of which AND alone may be regrouped, as the parser
  -- does so itself. PostgreSQL prints '5'::int4 as 5, so a value counts without the one quote that begins and the one that ends it: more
  -- quotes at its ends are part of the value. A value is never the same as a column or an operator that is written like it.
  SELECT c.leaf, c.which, string_agg(CASE WHEN m.t[1] ~ '^(?:[()]|AND|OR|NOT|IS|NULL|DISTINCT|ANY|satisfies_hash_partition)$' THEN m.t[1]
                                          WHEN starts_with(m.t[1], '''') THEN md5('value ' || substr(m.t[1], 2, length(m.t[1]) - 2))
                                          WHEN m.t[1] ~ '^(?:[0-9]|true$|false$)' THEN md5('value ' || m.t[1])
                                          ELSE md5('name ' || m.t[1]) END, ' ' ORDER BY m.n) AS text
    FROM (SELECT w.oid AS leaf, 'now' AS which, w.clause AS text FROM written w WHERE w.is_comparable
          UNION ALL
          SELECT w.oid, 'there', w.clause_there FROM written w WHERE w.is_comparable) c
   CROSS JOIN LATERAL regexp_matches(c.text, $re$((?:old|new)\.(?:"(?:[^"]|"")*"|[a-z_][a-z0-9_$]*)|"(?:[^"]|"")*"|'(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_$]*|[0-9.]+|[-+*/<>=~!@#%^&|`?]+|[()])$re$,
                                     'g') WITH ORDINALITY m(t, n)
   WHERE m.t[1] ~ $re$^(?:(?:old|new)\.|'|[-0-9+*/<>=~!@#%^&|`?()]|(?:AND|OR|NOT|IS|NULL|true|false|DISTINCT|ANY|satisfies_hash_partition)$)$re$
   GROUP BY c.leaf, c.which
  UNION ALL
  SELECT g.leaf, g.which,
         left(p.head, p.open - CASE WHEN p.is_call THEN 26 ELSE 1 END)
           || CASE WHEN p.is_call THEN md5('call ' || p.content)
                   WHEN strpos(p.content, ' ') = 0 THEN p.content
                   WHEN p.content ~ '^[^ ]+( AND [^ ]+)+$' THEN replace(p.content, ' AND ', '&')
                   ELSE md5(p.content) END
           || substr(g.text, length(p.head) + 2)
    FROM grouped g
   CROSS JOIN LATERAL (SELECT left(g.text, strpos(g.text, ')') - 1) AS head OFFSET 0) h
   CROSS JOIN LATERAL (SELECT h.head, length(h.head) - strpos(reverse(h.head), '(') + 1 AS open OFFSET 0) o
   CROSS JOIN LATERAL (SELECT o.head, o.open, btrim(substr(o.head, o.open + 1)) AS content,
                              right(left(o.head, o.open - 1), 25) = 'satisfies_hash_partition ' AS is_call OFFSET 0) p
   WHERE strpos(g.text, ')') > 0
)
SELECT w.pair, w.oid, w.relation, w.create_sql || w.always_sql AS sql,
       CASE WHEN current_setting('server_version_num')::int >= 140000 THEN regexp_replace(w.create_sql, '^CREATE', 'CREATE OR REPLACE')
            ELSE w.create_sql END || w.always_sql AS repair_sql,
       'SHARE ROW EXCLUSIVE on the referenced partition' AS lock,
       format('ALTER TABLE %s ENABLE %sTRIGGER %I', w.relation, CASE w.wanted_firing WHEN 'A' THEN 'ALWAYS ' ELSE '' END, w.name) AS enable_sql,
       format('DROP TRIGGER %I ON %s', w.name, w.relation) AS drop_sql,
       w.trigger IS NOT NULL AS taken, s.same, s.same AND w.firing = w.wanted_firing AS stands,
       CASE WHEN s.same AND w.firing = w.wanted_firing THEN w.row_version END AS seen,
       w.asks, w.firing, w.wanted_firing,
       CASE WHEN w.trigger IS NULL AND (w.wanted_firing = 'O' OR w.old_firing = 'A') THEN w.old_firing END AS old_firing
  FROM written w
 CROSS JOIN LATERAL (
       SELECT CASE WHEN w.is_comparable IS NOT TRUE THEN false
                   ELSE (SELECT g.text FROM grouped g WHERE g.leaf = w.oid AND g.which = 'now' AND strpos(g.text, ')') = 0)
                          IS NOT DISTINCT FROM (SELECT g.text FROM grouped g WHERE g.leaf = w.oid AND g.which = 'there' AND strpos(g.text, ')') = 0)
                        -- Split, as regular expressions of such texts cost milliseconds.
                        AND NOT EXISTS (SELECT FROM unnest(string_to_array(w.qual, '{')) WITH ORDINALITY m(node, n)
                                         WHERE m.n > 1
                                           AND split_part(m.node, ' ', 1) <> ALL (ARRAY['BOOLEXPR', 'NULLTEST', 'OPEXPR', 'SCALARARRAYOPEXPR', 'ARRAY',
                                                 'ARRAYEXPR', 'VAR', 'CONST', 'RELABELTYPE', 'COLLATE', 'COLLATEEXPR', 'FUNCEXPR']))
                        AND NOT EXISTS (SELECT FROM unnest(string_to_array(w.qual, ':funcid ')) WITH ORDINALITY m(call, n)
                                         WHERE m.n > 1 AND split_part(m.call, ' ', 1)::oid <> 'pg_catalog.satisfies_hash_partition'::regproc)
                        -- Each operator is the key's, of the key's collation, and has the key's column on its left.
                        AND NOT EXISTS (SELECT FROM unnest(string_to_array(w.qual, ':opno ')) WITH ORDINALITY m(op, n)
                                         WHERE m.n > 1
                                           AND (split_part(m.op, ':args (', 2) !~ '^(\{(RELABELTYPE|COLLATE|COLLATEEXPR) :arg )*\{VAR '
                                                OR NOT EXISTS (SELECT FROM key k JOIN pg_attribute a ON a.attrelid = w.oid AND a.attname = k.attname
                                                                WHERE k.leaf = w.oid AND split_part(m.op, ' ', 1)::oid = ANY (k.operators)
                                                                  AND split_part(split_part(m.op, ':inputcollid ', 2), ' ', 1)::oid = k.key_collation
                                                                  AND split_part(split_part(m.op, ':varattno ', 2), ' ', 1)::int = a.attnum))) END AS same OFFSET 0) s
 ) guard
 ORDER BY guard.pair
:end
