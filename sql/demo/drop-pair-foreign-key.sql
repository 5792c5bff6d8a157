-- The statement with which another session drops the pair foreign key of one pair. AccessExclusiveLock on both partitions.
-- not null: statement
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS statement
FROM pg_constraint
WHERE contype = 'f'
  AND conparentid = 0
  AND conrelid = to_regclass(format('public.%I', :'path_partition'::text))
  AND confrelid = to_regclass(format('public.%I', :'inode_partition'::text));
