-- Inodes 1 to :'inodes' of one medium.
INSERT INTO public.inode (medium_hash, ino, size, mtime, mode, content_hash)
SELECT :'medium_hash'::text,
       ino,
       (ino * 7919) % 1048576,
       timestamptz '2024-01-01 00:00:00+00' + ino * interval '1 second',
       33188,
       md5(ino::text)
FROM generate_series(1, :'inodes'::bigint) AS ino;
