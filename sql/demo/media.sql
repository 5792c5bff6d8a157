-- The media, largest first, with Zipf-like shares of :'rows' path rows (the first has about 29 %), every share at least
-- one row. The first two names are those of the source case. The last medium has inodes and no paths at all.
-- Deterministic: the same :'rows' gives the same data everywhere.
-- not null: n, medium_hash, inode_partition, paths, inodes
WITH media AS (
  SELECT n,
         CASE n WHEN 1 THEN 'bb226d2ae226b3e048f486e38c55b3bd'
                WHEN 2 THEN '1d7c9dc8' || substr(md5('medium 2'), 9)
                ELSE md5('medium ' || n) END AS medium_hash,
         CASE WHEN n <= 17 THEN 1.0 / n ELSE 0 END AS weight
  FROM generate_series(1, 18) AS n
), shares AS (
  SELECT *, greatest(1, floor(:'rows'::bigint * weight / sum(weight) OVER ()))::bigint AS share FROM media
), sizes AS (
  -- What rounding left over goes to the largest.
  SELECT n, medium_hash,
         CASE WHEN n = 18 THEN 0
              WHEN n = 1 THEN greatest(1, :'rows'::bigint - sum(share) FILTER (WHERE n BETWEEN 2 AND 17) OVER ())
              ELSE share END AS paths
  FROM shares
)
SELECT n,
       medium_hash,
       'inode_p_' || left(medium_hash, 8) AS inode_partition,
       CASE WHEN n <= 17 THEN 'path_p_' || left(medium_hash, 8) END AS path_partition,
       paths::text AS paths,
       -- One inode in nine has a second name.
       CASE WHEN n <= 17 THEN ceil(paths * 0.9)::bigint ELSE 100 END::text AS inodes
FROM sizes
ORDER BY n;
