-- Statement-level triggers of the application that the foreign key's actions fire today and will not fire, or the reverse. A
-- cascade is a statement on the referencing table of its foreign key: with the parent FK the root, with a pair FK the leaf. So
-- the root's triggers stop firing with the drop, and a leaf's own start with its pair FK (then both act, the second on no row,
-- for which statement-level triggers fire, too); those of a partitioned table between them fire for neither.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH action AS (
  SELECT 'delete' AS event, NULL::int2[] AS columns FROM pg_constraint c
   WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid AND c.confdeltype = 'c'
  UNION ALL
  -- Columns of ON DELETE SET NULL (columns): 15+.
  SELECT 'update', coalesce((SELECT array_agg(e::int2) FROM jsonb_array_elements_text(CASE jsonb_typeof(to_jsonb(c) -> 'confdelsetcols') WHEN 'array' THEN to_jsonb(c) -> 'confdelsetcols' END) e), c.conkey)
    FROM pg_constraint c
   WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid AND c.confdeltype IN ('n', 'd')
  UNION ALL
  SELECT 'update', c.conkey FROM pg_constraint c
   WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid AND c.confupdtype IN ('c', 'n', 'd')
), relation AS (
  SELECT :'referencing_oid'::oid AS oid, true AS is_root
  UNION ALL
  SELECT p.referencing_oid, false FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid)
), trigger AS (
  SELECT DISTINCT r.is_root, g.oid, format('%I on %I.%I', g.tgname, n.nspname, t.relname) AS name
    FROM relation r
    JOIN pg_trigger g ON g.tgrelid = r.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') AND g.tgtype & 1 = 0
    JOIN action a ON CASE a.event WHEN 'delete' THEN g.tgtype & 8 <> 0
                                  ELSE g.tgtype & 16 <> 0
                                       AND (cardinality(g.tgattr::int2[]) = 0
                                            -- UPDATE OF columns: attribute numbers differ between root and leaf.
                                            OR EXISTS (SELECT FROM unnest(g.tgattr::int2[]) k(attnum)
                                                         JOIN pg_attribute l ON l.attrelid = g.tgrelid AND l.attnum = k.attnum
                                                         JOIN pg_attribute m ON m.attrelid = :'referencing_oid'::oid AND m.attname = l.attname
                                                        WHERE m.attnum = ANY (a.columns)))
                     END
    JOIN pg_class t ON t.oid = g.tgrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
)
SELECT 'statement-trigger' AS id, 'warning' AS severity, true AS needs_acceptance,
       format('statement-level triggers will not fire as today when the foreign key deletes or changes rows of %s: ', :'table'::text)
         || concat_ws('; ',
              string_agg(name, ', ' ORDER BY name) FILTER (WHERE is_root)
                || ' will no longer fire, because a pair foreign key acts on the partition and not on the table',
              string_agg(name, ', ' ORDER BY name) FILTER (WHERE NOT is_root)
                || ' will begin to fire, as soon as the partition has its pair foreign key') AS message,
       format('write them FOR EACH ROW on the table, where all partitions inherit them and both kinds of foreign key fire them: CREATE TRIGGER ... AFTER %s ON %s FOR EACH ROW EXECUTE FUNCTION ...',
              (SELECT string_agg(DISTINCT upper(a.event), ' OR ') FROM action a), :'table'::text) AS remedy
  FROM trigger
HAVING count(*) > 0
:end
