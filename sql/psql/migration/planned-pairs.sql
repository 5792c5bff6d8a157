-- The pairs of the migration in the ledger, as a JSON list in :planned; their number, in :of and as text; and the oids of all
-- tables and partitions, and of those on the referenced side, for queries of lock holders.
SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.pair), '[]')             AS planned,
       count(*)                                                           AS of,
       format(CASE count(*) WHEN 1 THEN '%s pair' ELSE '%s pairs' END, count(*)) AS of_pairs,
       jsonb_build_array(:'referencing_oid', :'referenced_oid') || coalesce(jsonb_agg(p.referencing_oid), '[]')
         || coalesce(jsonb_agg(p.referenced_oid), '[]')                   AS all_relations,
       jsonb_build_array(:'referenced_oid') || coalesce(jsonb_agg(p.referenced_oid), '[]') AS referenced_relations
  FROM p2pfk.pair p
 WHERE p.migration_id = :'migration_id'::bigint \gset
