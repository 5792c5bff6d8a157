-- not null: statement
SELECT format('TRUNCATE public.%I CASCADE', :'inode_partition'::text) AS statement;
