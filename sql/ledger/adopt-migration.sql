-- Makes a ledger entry for a migration that only the catalog shows, with the number that its row-movement guards have
-- (:'guard_number'), if no entry has it: then the guards belong to this migration again. The caller holds the lock of
-- hold-adoption.sql. No row: an open entry of the same foreign key exists by now.
-- not null: id, last_number
-- may be null: comment
WITH number AS (
  SELECT CASE WHEN :'guard_number'::bigint > 0 AND NOT EXISTS (SELECT 1 FROM p2pfk.migration m WHERE m.id = :'guard_number'::bigint)
              THEN :'guard_number'::bigint
              ELSE nextval(pg_get_serial_sequence('p2pfk.migration', 'id')) END AS id
), made AS (
  INSERT INTO p2pfk.migration (id, table_oid, table_name, referenced_oid, referenced_name, constraint_name, definition, comment,
                               columns, referenced_columns, column_names, referenced_column_names, actions,
                               state, execution, options, firing, dropped_at, finished_at, error)
  OVERRIDING SYSTEM VALUE
  SELECT n.id, :'referencing_oid'::oid, :'table'::text, :'referenced_oid'::oid, :'referenced_table'::text,
         :'constraint_name'::text, :'definition'::text, nullif(:'comment'::text, ''),
         :'columns'::text, :'referenced_columns'::text,
         :'column_names'::jsonb, :'referenced_column_names'::jsonb, :'actions'::text,
         CASE WHEN :'dropped'::boolean THEN 'migrated' ELSE 'paused' END, :'execution'::text, :'options'::jsonb, :'firing'::jsonb,
         CASE WHEN :'dropped'::boolean THEN now() END, CASE WHEN :'dropped'::boolean THEN now() END,
         CASE WHEN NOT :'dropped'::boolean THEN :'error'::jsonb END
    FROM number n
   WHERE NOT EXISTS (SELECT 1 FROM p2pfk.migration m
                      WHERE m.table_oid = :'referencing_oid'::oid AND m.referenced_oid = :'referenced_oid'::oid AND m.state <> 'rolled-back'
                        AND m.column_names = :'column_names'::jsonb AND m.referenced_column_names = :'referenced_column_names'::jsonb)
  RETURNING id
)
SELECT m.id::text AS id,
       setval(pg_get_serial_sequence('p2pfk.migration', 'id'),
              greatest(m.id, nextval(pg_get_serial_sequence('p2pfk.migration', 'id')) - 1, 1))::text AS last_number
  FROM made m;
