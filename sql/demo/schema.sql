-- The case of the demo: files on media, LIST-partitioned by the medium's hash. `path` gets its foreign key after the load. No
-- index serves path's foreign key columns, as in the databases that need this migration.
CREATE TABLE public.inode (
  medium_hash text NOT NULL,
  ino bigint NOT NULL,
  size bigint NOT NULL,
  mtime timestamptz NOT NULL,
  mode integer NOT NULL,
  content_hash text,
  PRIMARY KEY (medium_hash, ino)
) PARTITION BY LIST (medium_hash);

CREATE TABLE public.path (
  medium_hash text NOT NULL,
  ino bigint NOT NULL,
  path text NOT NULL,
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (medium_hash, path)
) PARTITION BY LIST (medium_hash);
