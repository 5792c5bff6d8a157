-- What exists on given pairs now: the pair FK, and the names that a new one and its index would get. catalog/pair-indexes.sql
-- decides which index serves it: that takes longer, and the drop does not need it under its locks.
--
-- One row for each pair that still exists. A pair FK is recognized by what it does (both partitions, columns, actions), never by
-- its name, so one that a person added by hand counts, too. If several do the same, the one that the migration has made
-- (`constraint_added` of a pair from the ledger) is first: that one is validated, and dropped by a rollback, and not the others.
-- A new name is one that neither the catalog nor the pair's `taken` (names that will be given there soon) has: the documented
-- one; or cut, with a hash; or, where others have taken all of these, with the hash of a number, of which more are tried than
-- names with that beginning exist. With the pair's `salt`, which is secret, the name cannot be taken before it is used
-- (core/postgres/free-names.ts). Run it with search_path = pg_catalog. Reads only.
-- not null: pair, constraint_name, validated, enforced, index_name, index_leftover, leaf_constraint_validated
:begin
WITH RECURSIVE fk AS (
  SELECT :'referencing_oid'::oid        AS referencing_root,
         :'referenced_oid'::oid         AS referenced_root,
         :'constraint_name'::text       AS root_constraint_name,
         :'columns'::text               AS columns,
         :'referenced_columns'::text    AS referenced_columns,
         :'column_names'::jsonb         AS column_names,
         :'actions'::text               AS actions
), wanted AS (
  SELECT p.pair, p.referencing_oid, p.referenced_oid, a.relnamespace AS namespace,
         CASE WHEN p.constraint_added THEN p.constraint_name END AS made,
         coalesce(p.taken, '[]')                      AS taken,
         coalesce(p.salt, '')                         AS salt,
         -- Of the ledger: noted before the build, so what is left of it is known by this name, too.
         CASE WHEN p.index_added THEN p.index_name END AS noted_index,
         'fk_' || root.relname || '_to_' || b.relname AS constraint_name,
         'idx_' || a.relname || '_fk'                 AS index_name,
         fk.*
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_name name, constraint_added boolean, index_name name,
                                              index_added boolean, taken jsonb, salt text)
    JOIN pg_class a ON a.oid = p.referencing_oid
    JOIN pg_class b ON b.oid = p.referenced_oid
   CROSS JOIN fk
    JOIN pg_class root ON root.oid = fk.referencing_root
), named AS (
  -- A name longer than 63 bytes is cut by the cast to `name`, which knows multi-byte characters; nine leading
  -- characters keep room for '_' and eight digits of a hash, which make the cut name unique again: by the parent FK's name,
  -- and where that is taken too, or nobody remembers it, by the columns. SQL_ASCII knows no characters: there the cut may be in the
  -- middle of one, so what it ends with beyond ASCII goes, too.
  SELECT w.*, s.*, c.unique_constraint, c.other_constraint, c.unique_index, c.other_index
    FROM wanted w
   CROSS JOIN LATERAL (
         SELECT regexp_replace(substr((repeat('x', 9) || w.constraint_name)::name::text, 10), e.broken, '') || '_' AS constraint_start,
                regexp_replace(substr((repeat('x', 9) || w.index_name)::name::text, 10), e.broken, '') || '_'      AS index_start
           FROM (SELECT CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN '[^ -~]+$' ELSE '$' END AS broken) e) s
   CROSS JOIN LATERAL (
         SELECT s.constraint_start || left(md5(w.constraint_name || w.root_constraint_name), 8)              AS unique_constraint,
                s.constraint_start || left(md5(w.constraint_name || w.root_constraint_name || w.columns), 8) AS other_constraint,
                s.index_start || left(md5(w.index_name || w.root_constraint_name), 8)                        AS unique_index,
                s.index_start || left(md5(w.index_name || w.root_constraint_name || w.columns), 8)           AS other_index) c
), leaf AS (
  SELECT fk.referencing_root AS oid FROM fk
  UNION ALL
  SELECT i.inhrelid FROM leaf l JOIN pg_inherits i ON i.inhparent = l.oid
), migrated AS (
  -- The parent FK is dropped, and pair FKs have taken its name (rename-pair-foreign-keys.sql): a new one takes it too.
  SELECT fk.root_constraint_name <> ''
         AND NOT EXISTS (SELECT 1 FROM pg_constraint c
                          WHERE c.conrelid = fk.referencing_root AND c.conname = fk.root_constraint_name)
         AND EXISTS (SELECT 1
                       FROM leaf l
                       JOIN pg_constraint c ON c.conrelid = l.oid AND c.conname = fk.root_constraint_name
                       JOIN pg_class r ON r.oid = c.confrelid AND r.relispartition AND r.relkind = 'r'
                      WHERE c.contype = 'f' AND c.conparentid = 0) AS named_alike
    FROM fk
)
SELECT n.pair,
       f.oid                                                   AS constraint_oid,
       coalesce(f.conname,
                (SELECT k.name
                   FROM (VALUES (0, (SELECT n.root_constraint_name FROM migrated m WHERE m.named_alike)), (1, n.constraint_name),
                                (2, n.unique_constraint), (3, n.other_constraint)) k(n, name)
                  WHERE n.salt = '' AND octet_length(k.name) <= 63 AND NOT n.taken ? k.name
                    AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = n.referencing_oid AND c.conname = k.name)
                  ORDER BY k.n LIMIT 1),
                (SELECT k.name
                   FROM (SELECT i, n.constraint_start || left(md5(n.constraint_name || n.root_constraint_name || n.columns || n.salt || i), 8)
                           FROM generate_series(1, 2 + jsonb_array_length(n.taken)
                                                     + (SELECT count(*)::int FROM pg_constraint c
                                                         WHERE c.conrelid = n.referencing_oid AND starts_with(c.conname::text, n.constraint_start))) i) k(i, name)
                  WHERE NOT n.taken ? k.name
                    AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = n.referencing_oid AND c.conname = k.name)
                  ORDER BY k.i LIMIT 1))                       AS constraint_name,
       coalesce(f.convalidated, false)                         AS validated,
       -- Two triggers on each side. Disabled, or made to fire for replication only, they guard nothing; where those of the
       -- parent FK fire ALWAYS (:'firing', of foreign-key-shape.sql), they have to as well.
       coalesce((SELECT count(*) = 4
                        AND bool_and(g.tgenabled = 'A'
                                     OR g.tgenabled = 'O'
                                        AND NOT :'firing'::jsonb @> jsonb_build_array(jsonb_build_object(
                                              'relation', g.tgrelid::bigint,
                                              'kind', CASE WHEN p.proname LIKE 'RI\_FKey\_check\_%' THEN 'check ' ELSE 'action ' END || right(p.proname, 3))))
                   FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid WHERE g.tgconstraint = f.oid), false) AS enforced,
       coalesce(l.relname,
                (SELECT k.name
                   FROM (VALUES (1, n.index_name), (2, n.unique_index), (3, n.other_index)) k(n, name)
                  WHERE n.salt = '' AND octet_length(k.name) <= 63 AND NOT n.taken ? k.name
                    AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.namespace AND c.relname = k.name)
                  ORDER BY k.n LIMIT 1),
                (SELECT k.name
                   FROM (SELECT i, n.index_start || left(md5(n.index_name || n.root_constraint_name || n.columns || n.salt || i), 8)
                           FROM generate_series(1, 2 + jsonb_array_length(n.taken)
                                                     + (SELECT count(*)::int FROM pg_class c
                                                         WHERE c.relnamespace = n.namespace AND starts_with(c.relname::text, n.index_start))) i) k(i, name)
                  WHERE NOT n.taken ? k.name
                    AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.namespace AND c.relname = k.name)
                  ORDER BY k.i LIMIT 1))                       AS index_name,
       l.relname IS NOT NULL                                   AS index_leftover,
       -- The parent FK's own child on this leaf: its name must come back when the migration is rolled back.
       r.conname                                               AS root_constraint,
       r.oid                                                   AS leaf_constraint_oid,
       coalesce(r.convalidated, false)                         AS leaf_constraint_validated
  FROM named n
  LEFT JOIN LATERAL (
       SELECT c.oid, c.conname, c.convalidated
         FROM pg_constraint c
        WHERE c.conrelid = n.referencing_oid AND c.confrelid = n.referenced_oid AND c.contype = 'f' AND c.conparentid = 0
          -- Beside a DEFERRABLE parent FK it is INITIALLY DEFERRED (add-pair-foreign-key.sql).
          AND regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '')
              IN (format('FOREIGN KEY (%s) REFERENCES %s(%s)%s',
                         n.columns, n.referenced_oid::regclass, n.referenced_columns, n.actions),
                  format('FOREIGN KEY (%s) REFERENCES %s(%s)%s',
                         n.columns, n.referenced_oid::regclass, n.referenced_columns,
                         regexp_replace(n.actions, ' DEFERRABLE$', ' DEFERRABLE INITIALLY DEFERRED')))
        ORDER BY c.conname IS NOT DISTINCT FROM n.made DESC, c.convalidated DESC, c.oid
        LIMIT 1) f ON true
  -- An FK of the leaf to the referenced parent: a child of the parent FK, or what a rollback has added so far. A child keeps the
  -- attribute numbers of SET NULL (columns) as they are in the root (15 to 18), so where a leaf has others it prints other columns:
  -- of a child that list is not compared, unless another one says exactly the same.
  LEFT JOIN LATERAL (
       SELECT c.oid, c.conname, c.convalidated
         FROM pg_constraint c
        CROSS JOIN LATERAL (
              SELECT regexp_replace(pg_get_constraintdef(c.oid), ' NOT (VALID|ENFORCED)$', '') AS found,
                     format('FOREIGN KEY (%s) REFERENCES %s(%s)%s',
                            n.columns, n.referenced_root::regclass, n.referenced_columns, n.actions) AS wanted) d
        WHERE c.conrelid = n.referencing_oid AND c.confrelid = n.referenced_root AND c.contype = 'f'
          AND (d.found = d.wanted
               OR c.conparentid <> 0
                  AND regexp_replace(d.found, $re$ ON DELETE SET (NULL|DEFAULT) \((?:"(?:[^"]|"")*"|[^")])*\)$re$, ' ON DELETE SET \1')
                      = regexp_replace(d.wanted, $re$ ON DELETE SET (NULL|DEFAULT) \((?:"(?:[^"]|"")*"|[^")])*\)$re$, ' ON DELETE SET \1'))
        ORDER BY d.found = d.wanted DESC, c.convalidated DESC, c.oid
        LIMIT 1) r ON true
  -- What an interrupted CREATE INDEX CONCURRENTLY of ours left behind. One of those names on other columns is another
  -- migration's.
  LEFT JOIN LATERAL (
       SELECT ic.relname
         FROM pg_index x
         JOIN pg_class ic ON ic.oid = x.indexrelid
        WHERE x.indrelid = n.referencing_oid AND NOT x.indisvalid
          AND ic.relname IN (n.index_name, n.unique_index, n.other_index, n.noted_index)
          AND (SELECT CASE WHEN x.indexprs IS NULL THEN k.names = e.names ELSE coalesce(k.names, '{}') <@ e.names END
                 FROM (SELECT array_agg(a.attname ORDER BY a.attname) AS names
                         FROM unnest(x.indkey::int2[]) k(attnum)
                         JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum) k,
                      (SELECT array_agg(e::name ORDER BY e::name) AS names FROM jsonb_array_elements_text(n.column_names) e) e)
        ORDER BY ic.relname
        LIMIT 1) l ON true
 ORDER BY n.pair
:end
