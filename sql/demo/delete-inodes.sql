-- The statement that deletes :'rows' rows of a referenced partition. PostgreSQL has no DELETE ... LIMIT.
-- not null: statement
SELECT format('DELETE FROM public.%1$I WHERE ctid IN (SELECT ctid FROM public.%1$I LIMIT %2$s)',
              :'inode_partition'::text, :'rows'::bigint) AS statement;
