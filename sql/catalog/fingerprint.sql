-- The facts that a plan was made for, one row for each: kind, name and value. A saved plan keeps the rows, and is carried out
-- only where they are the same (core/plan/reviewed-plan.ts). Left out are numbers of rows, and what this migration itself has
-- made since: its pair FKs, its guards, and its indexes (:'own_indexes': names with the oid of their partition). Takes no lock on
-- any table. Printed under sql/session.sql, so it is the same on every connection.
-- not null: kind, name, value
WITH RECURSIVE tree AS (
  SELECT DISTINCT s.oid, NULL::oid AS parent
    FROM (VALUES (:'referencing_oid'::oid), (:'referenced_oid'::oid)) s(oid)
  UNION ALL
  SELECT i.inhrelid, i.inhparent FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
), relation AS (
  SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind, c.relpersistence, c.relowner, c.relrowsecurity,
         CASE WHEN p.oid IS NOT NULL THEN format('%I.%I', pn.nspname, p.relname) END AS parent, pg_get_expr(c.relpartbound, c.oid) AS bound,
         pg_get_partkeydef(c.oid) AS key
    FROM tree t
    JOIN pg_class c ON c.oid = t.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_class p ON p.oid = t.parent
    LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
), own AS (
  SELECT o.relation, o.name FROM jsonb_to_recordset(:'own_indexes'::jsonb) AS o(relation oid, name text)
), thing(kind, name, value) AS (
  SELECT 'database', current_database()::text, ''
  UNION ALL
  SELECT 'table', r.name,
         concat_ws(', ', 'oid ' || r.oid, 'kind ' || r.relkind::text, 'persistence ' || r.relpersistence::text, 'owner ' || pg_get_userbyid(r.relowner),
                   CASE WHEN r.relrowsecurity THEN 'row security' END, 'partition of ' || r.parent || ' ' || r.bound, 'partitioned by ' || r.key)
    FROM relation r
  UNION ALL
  SELECT 'foreign key', c.conname::text,
         concat_ws(', ', 'oid ' || c.oid, pg_get_constraintdef(c.oid), 'triggers ' || string_agg(g.tgenabled::text, '' ORDER BY g.tgenabled::text))
    FROM pg_constraint c
    LEFT JOIN pg_trigger g ON g.tgconstraint = c.oid
   WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid
   GROUP BY c.oid, c.conname
  UNION ALL
  SELECT 'column', format('%s.%I', r.name, a.attname),
         concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END, nullif(a.attcollation, 0)::regcollation::text)
    FROM pg_constraint c
   CROSS JOIN LATERAL (SELECT c.conrelid AS oid, unnest(c.conkey) AS attnum UNION ALL SELECT c.confrelid, unnest(c.confkey)) k
    JOIN relation r ON r.oid = k.oid
    JOIN pg_attribute a ON a.attrelid = k.oid AND a.attnum = k.attnum
   WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid
  UNION ALL
  SELECT 'trigger', format('%s.%I', r.name, g.tgname),
         concat_ws(', ', pg_get_triggerdef(g.oid), 'fires ' || g.tgenabled::text, 'function ' || md5(f.prosrc), 'owner ' || pg_get_userbyid(f.proowner))
    FROM relation r
    JOIN pg_trigger g ON g.tgrelid = r.oid AND NOT g.tgisinternal
                     AND NOT (g.tgname ~ '^~?p2pfk_row_movement_guard_' AND coalesce((SELECT f.pronamespace FROM pg_proc f WHERE f.oid = g.tgfoid) = to_regnamespace('p2pfk'), false))
    JOIN pg_proc f ON f.oid = g.tgfoid
  UNION ALL
  SELECT 'index', format('%I.%I', n.nspname, i.relname),
         concat_ws(', ', pg_get_indexdef(x.indexrelid), CASE WHEN NOT x.indisvalid THEN 'invalid' END)
    FROM relation r
    JOIN pg_index x ON x.indrelid = r.oid
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_namespace n ON n.oid = i.relnamespace
   WHERE NOT EXISTS (SELECT FROM own WHERE own.relation = r.oid AND own.name = i.relname)
)
SELECT t.kind, t.name, t.value FROM thing t ORDER BY t.kind COLLATE "C", t.name COLLATE "C", t.value COLLATE "C";
