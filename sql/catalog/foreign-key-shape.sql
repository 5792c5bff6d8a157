-- The parts that a pair FK copies from the parent FK, and with which the parent FK is restored: each as SQL text that PostgreSQL
-- itself has written and quoted.
--
-- Run it with search_path = pg_catalog: only then are the tables in `definition` schema-qualified, so that it has the same
-- meaning in every session. `actions` is everything behind the referenced columns (MATCH, ON UPDATE, ON DELETE with its column
-- list, DEFERRABLE): it is copied, not parsed, so nothing that a newer version prints there can be missed. `firing` lists its
-- triggers that fire ALWAYS, even under session_replication_role = replica: the relation, and which of the four it is ('check
-- ins', 'check upd' on the referencing side, 'action del', 'action upd' on the referenced one).
-- not null: constraint_name, table_oid, referenced_oid, definition, full_definition, columns, referenced_columns, column_names,
--   referenced_column_names, actions, understood, on_delete, on_update, firing
-- types: column_names string[], referenced_column_names string[], firing AlwaysFiring[]
:begin
SELECT c.conname                                              AS constraint_name,
       c.conrelid                                             AS table_oid,
       c.confrelid                                            AS referenced_oid,
       d.definition,
       pg_get_constraintdef(c.oid)                            AS full_definition,
       k.columns,
       k.referenced_columns,
       k.column_names,
       k.referenced_column_names,
       -- Pair FKs are enforced, also those of a parent FK that is not (18+).
       regexp_replace(substr(d.definition, length(d.prefix) + 1), ' NOT ENFORCED$', '') AS actions,
       starts_with(d.definition, d.prefix)                    AS understood,
       c.confdeltype                                          AS on_delete,
       c.confupdtype                                          AS on_update,
       obj_description(c.oid, 'pg_constraint')                AS comment,
       coalesce(f.firing, '[]')                               AS firing
  FROM pg_constraint c
 CROSS JOIN LATERAL (
       SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.n)  AS columns,
              string_agg(quote_ident(ra.attname), ', ' ORDER BY u.n) AS referenced_columns,
              jsonb_agg(a.attname ORDER BY u.n)                      AS column_names,
              jsonb_agg(ra.attname ORDER BY u.n)                     AS referenced_column_names
         FROM unnest(c.conkey, c.confkey) WITH ORDINALITY u(att, ratt, n)
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.att
         JOIN pg_attribute ra ON ra.attrelid = c.confrelid AND ra.attnum = u.ratt) k
 CROSS JOIN LATERAL (
       SELECT regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '') AS definition,
              format('FOREIGN KEY (%s) REFERENCES %s(%s)', k.columns, c.confrelid::regclass, k.referenced_columns) AS prefix) d
 CROSS JOIN LATERAL (
       WITH RECURSIVE derived AS (
         SELECT c.oid
         UNION ALL
         -- By the index. As an equality the planner would expect a large part of the table for each: the children of a foreign key have one
         -- parent, and the statistics of a catalog that was never analyzed (initdb's, also after a restore) know of no other value than 0.
         SELECT k.oid
           FROM derived d
          CROSS JOIN LATERAL (SELECT k.oid FROM pg_constraint k WHERE k.conparentid >= d.oid AND k.conparentid <= d.oid OFFSET 0) k
       )
       SELECT jsonb_agg(DISTINCT jsonb_build_object('relation', g.tgrelid::bigint, 'kind', r.kind)) AS firing
         FROM derived d
        -- OFFSET 0: by the index. The planner expects hardly any such trigger, and would look for it among all of the database.
        CROSS JOIN LATERAL (SELECT t.tgrelid, t.tgfoid, t.tgenabled FROM pg_trigger t WHERE t.tgconstraint = d.oid OFFSET 0) g
         JOIN pg_proc p ON p.oid = g.tgfoid AND g.tgenabled = 'A'
        CROSS JOIN LATERAL (SELECT CASE WHEN p.proname LIKE 'RI\_FKey\_check\_%' THEN 'check ' ELSE 'action ' END || right(p.proname, 3) AS kind) r) f
 WHERE c.oid = :'constraint_oid'::oid
:end
