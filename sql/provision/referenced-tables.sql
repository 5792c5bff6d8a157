-- The tables that the parent-level foreign keys of :'parents' reference (oids of partitioned tables): ATTACH PARTITION adds these
-- foreign keys to the new partition and checks them with a query on both tables, as the role that attaches. For a partitioned
-- table, the topmost one that is referenced.
-- not null: referencing_oid, referenced_oid, table
WITH RECURSIVE reference AS (
  SELECT DISTINCT k.conrelid, k.confrelid
    FROM jsonb_array_elements_text(:'parents'::jsonb) p(oid)
    JOIN pg_constraint k ON k.conrelid = p.oid::oid AND k.contype = 'f'
), up AS (
  SELECT r.conrelid, r.confrelid, i.inhparent AS oid FROM reference r JOIN pg_inherits i ON i.inhrelid = r.confrelid
  UNION
  SELECT u.conrelid, u.confrelid, i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.oid
)
SELECT r.conrelid AS referencing_oid, r.confrelid AS referenced_oid, format('%I.%I', n.nspname, c.relname) AS "table"
  FROM reference r
  JOIN pg_class c ON c.oid = r.confrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT EXISTS (SELECT FROM up u JOIN reference o ON o.conrelid = u.conrelid AND o.confrelid = u.oid
                    WHERE u.conrelid = r.conrelid AND u.confrelid = r.confrelid)
 ORDER BY 3;
