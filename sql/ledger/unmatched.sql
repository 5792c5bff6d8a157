-- The first migration that is not rolled back and whose tables in this database are not those of the ledger, of all migrations or
-- (:'migration_id' not empty) of one. The oids of both tables have to match with their names, or, where a table was renamed, with
-- a foreign key of the migration. unmatched: one line, or empty.
-- not null: unmatched
:begin
SELECT coalesce((
  SELECT format('migration %s is about %s (oid %s) and %s (oid %s), which are not here under these oids',
                m.id, m.table_name, m.table_oid, m.referenced_name, m.referenced_oid)
    FROM p2pfk.migration m
    LEFT JOIN pg_class t ON t.oid = m.table_oid AND t.relkind = 'p'
    LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
    LEFT JOIN pg_class r ON r.oid = m.referenced_oid AND r.relkind = 'p'
    LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
   WHERE m.state <> 'rolled-back' AND :'migration_id'::text IN ('', m.id::text)
     AND NOT (t.oid IS NOT NULL AND r.oid IS NOT NULL
              AND (format('%I.%I', tn.nspname, t.relname) = m.table_name AND format('%I.%I', rn.nspname, r.relname) = m.referenced_name
                   OR EXISTS (SELECT FROM pg_constraint c
                               WHERE c.conrelid = t.oid AND c.confrelid = r.oid AND c.contype = 'f' AND c.conname = m.constraint_name::name)
                   OR EXISTS (SELECT FROM p2pfk.pair p
                                JOIN pg_constraint c ON c.conrelid = p.referencing_oid AND c.confrelid = p.referenced_oid AND c.contype = 'f'
                                                    AND c.conname = p.constraint_name::name
                               WHERE p.migration_id = m.id)))
   ORDER BY m.id
   LIMIT 1), '') AS unmatched
:end
