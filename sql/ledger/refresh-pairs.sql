-- Updates a resumed migration's pairs: names where the migration itself has made nothing yet, and sizes. The orphan counts of an
-- earlier execution are discarded, and the proofs that they were; that a validation ran to its end stays true.
UPDATE p2pfk.pair k
   SET rows = p.rows, bytes = p.bytes, orphans = NULL, orphans_counted_at = NULL,
       proof = CASE WHEN k.proof ->> 'by' = 'validate' THEN k.proof END,
       constraint_name = CASE WHEN k.constraint_added THEN k.constraint_name ELSE p.constraint_name END,
       index_name = CASE WHEN k.index_added THEN k.index_name ELSE p.index_name END,
       root_constraint = coalesce(p.root_constraint, k.root_constraint)
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(
         referencing_oid oid, referenced_oid oid, rows bigint, bytes bigint, constraint_name text, index_name text,
         root_constraint text)
 WHERE k.migration_id = :'migration_id'::bigint
   AND k.referencing_oid = p.referencing_oid AND k.referenced_oid = p.referenced_oid;
