-- :pairs, for the files of sql/checks/: the pairs of the ledger with the foreign keys that they have now.
SELECT jsonb_agg(jsonb_build_object('pair', p.pair, 'referencing', p.referencing, 'referencing_oid', p.referencing_oid::bigint, 'referenced', p.referenced,
                                    'referenced_oid', p.referenced_oid::bigint, 'constraint_oid', c.oid::bigint) ORDER BY p.pair) AS pairs
  FROM p2pfk.pair p
  JOIN pg_constraint c ON c.conrelid = p.referencing_oid AND c.conname = p.constraint_name
 WHERE p.migration_id = :migration_id \gset
