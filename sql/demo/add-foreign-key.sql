-- The parent-level foreign key that the migration replaces; it checks every row and is valid from the start.
ALTER TABLE public.path
  ADD CONSTRAINT path_medium_hash_ino_fkey
  FOREIGN KEY (medium_hash, ino) REFERENCES public.inode (medium_hash, ino) ON DELETE CASCADE;
