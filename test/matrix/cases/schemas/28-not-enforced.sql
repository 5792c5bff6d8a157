-- must: refused unless accepted; then pair foreign keys that are enforced, and a rollback brings it back NOT ENFORCED
-- table: path
-- shows: a NOT ENFORCED foreign key refuses no row, and keeps the TRUNCATE and DETACH traps
CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
CREATE TABLE path (id int, k int, ino int) PARTITION BY LIST (k);
CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN (2);
CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (2);
INSERT INTO inode SELECT k, i FROM generate_series(1,2) k, generate_series(1,50) i;
INSERT INTO path SELECT i, k, i FROM generate_series(1,2) k, generate_series(1,40) i;
ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode ON DELETE CASCADE NOT ENFORCED;
