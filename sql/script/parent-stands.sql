-- :lost: the parent FK does not exist, or is not valid.
SELECT NOT EXISTS (SELECT FROM p2pfk.migration m
                     JOIN pg_constraint c ON c.conrelid = m.table_oid AND c.confrelid = m.referenced_oid AND c.conname = m.constraint_name
                    WHERE m.id = :migration_id AND c.contype = 'f' AND c.convalidated AND pg_get_constraintdef(c.oid) = m.definition) AS lost \gset
