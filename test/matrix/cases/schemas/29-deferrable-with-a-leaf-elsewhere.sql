-- must: the documented names stay, and that needs acceptance, as SET CONSTRAINTS path_fk will fail
-- table: path
CREATE SCHEMA archive;
CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
CREATE TABLE path (id int, k int, ino int, CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode DEFERRABLE) PARTITION BY LIST (k);
CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN (2);
CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
CREATE TABLE archive.path_2 PARTITION OF path FOR VALUES IN (2);
INSERT INTO inode SELECT k, i FROM generate_series(1,2) k, generate_series(1,50) i;
INSERT INTO path SELECT i, k, i FROM generate_series(1,2) k, generate_series(1,40) i;
