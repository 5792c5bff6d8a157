-- Partitions of a migrated table that no foreign key guards, judged by the catalog only: for a table whose rows must not be read,
-- because that would run code of another role. No row of any table is read here, and no bound, default or index expression is
-- evaluated.
--
-- A partition is guarded by a foreign key that equals the pair FKs, is valid, enforced and fires, and references the partner that
-- the ledger has noted for it (:'pairs'), or any leaf of the referenced tree where it has noted none, or a whole table above. All
-- others are returned, even a partition that is empty or holds only NULL keys, because that cannot be seen here. Run it with
-- search_path = pg_catalog.
-- not null: partition
:begin
WITH RECURSIVE referencing AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referencing t JOIN pg_inherits i ON i.inhparent = t.oid
), referenced AS (
  SELECT :'referenced_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referenced t JOIN pg_inherits i ON i.inhparent = t.oid
), noted AS (
  SELECT p.referencing_oid, p.referenced_oid FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
)
SELECT format('%I.%I', n.nspname, a.relname) AS partition
  FROM referencing l
  JOIN pg_class a ON a.oid = l.oid AND a.relkind <> 'p'
  JOIN pg_namespace n ON n.oid = a.relnamespace
 WHERE NOT EXISTS (
         SELECT 1
           FROM pg_constraint c
           JOIN referenced t ON t.oid = c.confrelid
           JOIN pg_class b ON b.oid = c.confrelid
          WHERE c.conrelid = a.oid AND c.contype = 'f' AND c.convalidated
            AND (b.relkind = 'p'
                 OR EXISTS (SELECT 1 FROM noted p WHERE p.referencing_oid = a.oid AND p.referenced_oid = b.oid)
                 OR NOT EXISTS (SELECT 1 FROM noted p WHERE p.referencing_oid = a.oid))
            -- NOT ENFORCED is part of the text, and so are MATCH and the actions.
            AND pg_get_constraintdef(c.oid) IN (
                  format('FOREIGN KEY (%s) REFERENCES %s(%s)%s', :'columns'::text, c.confrelid::regclass, :'referenced_columns'::text,
                         :'actions'::text),
                  -- As beside a DEFERRABLE parent FK (statements/add-pair-foreign-key.sql).
                  format('FOREIGN KEY (%s) REFERENCES %s(%s)%s', :'columns'::text, c.confrelid::regclass, :'referenced_columns'::text,
                         regexp_replace(:'actions'::text, ' DEFERRABLE$', ' DEFERRABLE INITIALLY DEFERRED')))
            -- Two triggers check the rows of the partition; two more act on the rows of the referenced one. A whole table has those on
            -- its own partitions. They fire as in pair-triggers.sql.
            AND (SELECT count(*) FILTER (WHERE p.proname LIKE 'RI\_FKey\_check\_%') = 2
                        AND (b.relkind = 'p' OR count(*) = 4)
                        AND bool_and(g.tgenabled = 'A'
                                     OR g.tgenabled = 'O'
                                        AND NOT :'firing'::jsonb @> jsonb_build_array(jsonb_build_object(
                                              'relation', g.tgrelid::bigint,
                                              'kind', CASE WHEN p.proname LIKE 'RI\_FKey\_check\_%' THEN 'check ' ELSE 'action ' END || right(p.proname, 3))))
                   FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid WHERE g.tgconstraint = c.oid))
 ORDER BY 1
:end
