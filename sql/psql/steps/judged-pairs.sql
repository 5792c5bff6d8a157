-- The pairs that the last checks judge, as core/checks/verification.ts does. After the drop, until the migration is complete:
-- those of the drop, from the ledger; :newcomers has the pairs that were attached since, which are only listed, and :whole is
-- false. Otherwise all.
SELECT :'migration_id' <> '' AND :'migration_state' IN ('running', 'paused') AND :'constraint_oid' = '' AS judges_the_drop \gset
\set newcomers '[]'
\set whole true
\if :judges_the_drop
\set whole false
SELECT coalesce(jsonb_agg(e ORDER BY (e ->> 'pair')::int) FILTER (WHERE k.known), '[]')     AS pairing,
       coalesce(jsonb_agg(e ORDER BY (e ->> 'pair')::int) FILTER (WHERE NOT k.known), '[]') AS newcomers
  FROM jsonb_array_elements(:'pairing'::jsonb) e
 CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM p2pfk.pair p
                                     WHERE p.migration_id = :'migration_id'::bigint
                                       AND p.referencing_oid = (e ->> 'referencing_oid')::oid
                                       AND p.referenced_oid = (e ->> 'referenced_oid')::oid) AS known) k \gset
\endif
