-- must: the plan says that a DELETE in inode_1 will be refused, and asks for acceptance; a LIST without NULL asks for none
-- table: path
-- shows: ON DELETE SET NULL moves the row to path_2 today; a pair FK cannot, and the same DELETE fails with 23514
CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
CREATE TABLE path (id int, k int, ino int, CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode ON DELETE SET NULL) PARTITION BY LIST (k);
CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN (2);
CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (2, NULL);
INSERT INTO inode SELECT k, i FROM generate_series(1,2) k, generate_series(1,50) i;
INSERT INTO path SELECT i, k, i FROM generate_series(1,2) k, generate_series(1,40) i;
DELETE FROM inode WHERE k = 1 AND ino = 1;
DO $$ BEGIN ASSERT (SELECT count(*) FROM path_2 WHERE k IS NULL) = 1, 'moved today'; END $$;
-- The same without a partition for NULL: that DELETE is refused today, too.
CREATE TABLE strict_path (id int, k int, ino int, CONSTRAINT strict_fk FOREIGN KEY (k, ino) REFERENCES inode ON DELETE SET NULL) PARTITION BY LIST (k);
CREATE TABLE strict_path_1 PARTITION OF strict_path FOR VALUES IN (1);
CREATE TABLE strict_path_2 PARTITION OF strict_path FOR VALUES IN (2);
