-- must: plan and verify name note and remark, and no other table: TRUNCATE inode_1 CASCADE empties these two as a whole
-- table: path
-- shows: a foreign key of a third table to the referencing table, and one of a fourth to that; one to a single leaf, and pairs, are no trap
CREATE TABLE inode (k text, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
CREATE TABLE path (id int, k text, ino int, PRIMARY KEY (k, id), CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode ON DELETE CASCADE) PARTITION BY LIST (k);
CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('a'); CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN ('b');
CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('a'); CREATE TABLE path_2 PARTITION OF path FOR VALUES IN ('b');
CREATE TABLE note (k text, id int, n int PRIMARY KEY, CONSTRAINT note_fk FOREIGN KEY (k, id) REFERENCES path);
CREATE TABLE remark (n int, CONSTRAINT remark_fk FOREIGN KEY (n) REFERENCES note);
CREATE TABLE bound (k text, id int, CONSTRAINT bound_fk FOREIGN KEY (k, id) REFERENCES path_1);
CREATE TABLE tag (k text, id int) PARTITION BY LIST (k);
CREATE TABLE tag_1 PARTITION OF tag FOR VALUES IN ('a'); CREATE TABLE tag_2 PARTITION OF tag FOR VALUES IN ('b');
ALTER TABLE tag_1 ADD FOREIGN KEY (k, id) REFERENCES path_1; ALTER TABLE tag_2 ADD FOREIGN KEY (k, id) REFERENCES path_2;
CREATE TABLE aside (k text, id int, CONSTRAINT aside_fk FOREIGN KEY (k, id) REFERENCES path_2);
INSERT INTO inode SELECT k, i FROM unnest('{a,b}'::text[]) k, generate_series(1, 50) i;
INSERT INTO path SELECT i, k, i FROM unnest('{a,b}'::text[]) k, generate_series(1, 40) i;
INSERT INTO tag SELECT k, id FROM path; INSERT INTO bound VALUES ('a', 1); INSERT INTO aside VALUES ('b', 1);
INSERT INTO note VALUES ('b', 1, 1), ('b', 2, 2); INSERT INTO remark VALUES (1);
