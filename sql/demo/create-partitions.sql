-- The statements that create the partitions of one medium; :'path_partition' may be null.
-- not null: statement
-- may be null: path_partition
SELECT format('CREATE TABLE public.%I PARTITION OF public.inode FOR VALUES IN (%L)',
              :'inode_partition'::text, :'medium_hash'::text) AS statement
UNION ALL
SELECT format('CREATE TABLE public.%I PARTITION OF public.path FOR VALUES IN (%L)',
              :'path_partition'::text, :'medium_hash'::text)
WHERE :'path_partition'::text IS NOT NULL;
