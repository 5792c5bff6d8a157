-- The statements that detach a pair from its tables and attach it again, the referencing side first out and last in.
-- not null: statement
SELECT statement
FROM (VALUES
  (1, format('ALTER TABLE public.path DETACH PARTITION public.%I', :'path_partition'::text)),
  (2, format('ALTER TABLE public.inode DETACH PARTITION public.%I', :'inode_partition'::text)),
  (3, format('ALTER TABLE public.inode ATTACH PARTITION public.%I FOR VALUES IN (%L)',
             :'inode_partition'::text, :'medium_hash'::text)),
  (4, format('ALTER TABLE public.path ATTACH PARTITION public.%I FOR VALUES IN (%L)',
             :'path_partition'::text, :'medium_hash'::text))
) AS steps (step, statement)
ORDER BY step;
