-- must: the plan names those triggers that cascades fire today and then no more, and those that they will fire; no other
-- table: path
CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
CREATE TABLE path (gone int, id int, k int, ino int, CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode ON UPDATE CASCADE) PARTITION BY LIST (k);
ALTER TABLE path DROP gone;
CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1) PARTITION BY RANGE (ino);
CREATE TABLE inode_1_all PARTITION OF inode_1 FOR VALUES FROM (0) TO (1000);
CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1) PARTITION BY RANGE (ino);
CREATE TABLE path_1_all PARTITION OF path_1 FOR VALUES FROM (0) TO (1000);
INSERT INTO inode SELECT 1, i FROM generate_series(1,50) i;
INSERT INTO path SELECT i, 1, i FROM generate_series(1,40) i;
CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER stops_before BEFORE UPDATE ON path FOR EACH STATEMENT EXECUTE FUNCTION public.nothing();
CREATE TRIGGER stops_of AFTER UPDATE OF ino ON path FOR EACH STATEMENT EXECUTE FUNCTION public.nothing();
CREATE TRIGGER begins AFTER UPDATE OF ino ON path_1_all FOR EACH STATEMENT EXECUTE FUNCTION public.nothing();
CREATE TRIGGER other_column AFTER UPDATE OF id ON path FOR EACH STATEMENT EXECUTE FUNCTION public.nothing();
CREATE TRIGGER other_event AFTER DELETE ON path FOR EACH STATEMENT EXECUTE FUNCTION public.nothing();
CREATE TRIGGER between AFTER UPDATE ON path_1 FOR EACH STATEMENT EXECUTE FUNCTION public.nothing();
CREATE TRIGGER each_row AFTER UPDATE ON path FOR EACH ROW EXECUTE FUNCTION public.nothing();
CREATE TRIGGER disabled AFTER UPDATE ON path FOR EACH STATEMENT EXECUTE FUNCTION public.nothing();
ALTER TABLE path DISABLE TRIGGER disabled;
