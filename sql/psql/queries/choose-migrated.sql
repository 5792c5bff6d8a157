-- Where no parent FK exists and no ledger has one: the one shape of pair FKs in the catalog (:'shapes'), else what does exist.
SELECT CASE WHEN jsonb_array_length(:'shapes'::jsonb) = 1 THEN ''
            ELSE coalesce((SELECT format('foreign key %s of %s references %s, which is not partitioned: there are no pairs of partitions to connect',
                                         s.constraint_ident, s.table_name, s.referenced_name)
                             FROM jsonb_to_recordset(:'standing'::jsonb) AS s(table_name text, constraint_name text, constraint_ident text, referenced_name text)
                            WHERE s.constraint_name IS NOT NULL
                            LIMIT 1),
                          format('table %s has no foreign key: there is nothing to migrate', :'standing'::jsonb -> 0 ->> 'table_name'))
       END AS refusal,
       jsonb_array_length(:'shapes'::jsonb) <> 1 AS refused,
       coalesce(:'shapes'::jsonb -> 0, '{}')
         || jsonb_build_object('table_oid', :'table_oid', 'table_name', :'standing'::jsonb -> 0 ->> 'table_name') AS fk \gset
