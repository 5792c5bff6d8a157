-- :'paths' names for the inodes 1 to :'inodes' of one medium; names beyond the first round are second names.
INSERT INTO public.path (medium_hash, ino, path, seen_at)
SELECT :'medium_hash'::text,
       1 + (n - 1) % :'inodes'::bigint,
       '/raw/' || lpad((n / 1000)::text, 7, '0') || '/' || lpad((n % 1000)::text, 3, '0') || '.dat',
       timestamptz '2025-10-06 00:00:00+00'
FROM generate_series(1, :'paths'::bigint) AS n;
