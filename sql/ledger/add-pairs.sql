-- Adds the pairs that the ledger does not have yet. Existing ones keep their number and their state: a validation that an earlier
-- execution left running still notes its end under that number.
INSERT INTO p2pfk.pair (migration_id, pair, referencing_oid, referencing, referenced_oid, referenced, bound, rows, bytes,
                        constraint_name, index_name, root_constraint)
SELECT :'migration_id'::bigint,
       (SELECT coalesce(max(k.pair), 0) FROM p2pfk.pair k WHERE k.migration_id = :'migration_id'::bigint)
         + row_number() OVER (ORDER BY p.pair),
       p.referencing_oid, p.referencing, p.referenced_oid, p.referenced, p.bound, p.rows, p.bytes, p.constraint_name,
       p.index_name, p.root_constraint
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(
         pair int, referencing_oid oid, referencing text, referenced_oid oid, referenced text, bound text, rows bigint,
         bytes bigint, constraint_name text, index_name text, root_constraint text)
 WHERE NOT EXISTS (SELECT 1 FROM p2pfk.pair k
                    WHERE k.migration_id = :'migration_id'::bigint
                      AND k.referencing_oid = p.referencing_oid AND k.referenced_oid = p.referenced_oid);
