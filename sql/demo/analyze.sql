-- Statistics and visibility maps of all partitions, as a server that has run for a while has them. Recurses.
VACUUM (ANALYZE) public.inode, public.path;
