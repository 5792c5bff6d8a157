-- :'rows' paths whose inodes do not exist. Foreign keys accept them only under session_replication_role = replica, which is how
-- they get into a logical replica or a careless restore.
INSERT INTO public.path (medium_hash, ino, path, seen_at)
SELECT :'medium_hash'::text, -n, '/orphan/' || n, timestamptz '2025-10-06 00:00:00+00'
FROM generate_series(1, :'rows'::bigint) AS n;
