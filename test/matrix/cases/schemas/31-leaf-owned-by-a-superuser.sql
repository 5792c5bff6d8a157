-- must: refused by plan (a pair FK acts as the leaf's owner, and so would the trigger), nothing changed; migrated with one owner
-- table: path
-- shows: a leaf of a superuser, and a trigger of a role without rights on the table: today the cascade runs it as that role
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname='case31_owner') THEN CREATE ROLE case31_owner; END IF;
 IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname='case31_app') THEN CREATE ROLE case31_app; END IF; END $$;
GRANT CREATE ON SCHEMA public TO case31_owner;
SET ROLE case31_owner;
CREATE TABLE inode (k text, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
CREATE TABLE path (id int, k text, ino int, CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode ON DELETE CASCADE) PARTITION BY LIST (k);
CREATE TABLE inode_a PARTITION OF inode FOR VALUES IN ('a');
CREATE TABLE inode_b PARTITION OF inode FOR VALUES IN ('b');
CREATE TABLE path_a PARTITION OF path FOR VALUES IN ('a');
CREATE TABLE path_b PARTITION OF path FOR VALUES IN ('b');
CREATE TABLE log (who name, secrets bigint);
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log SELECT current_user, count(*) FROM pg_authid; RETURN old; END $$;
CREATE TRIGGER spy BEFORE DELETE ON path FOR EACH ROW EXECUTE FUNCTION spy();
INSERT INTO inode SELECT k, i FROM unnest('{a,b}'::text[]) k, generate_series(1, 50) i;
INSERT INTO path SELECT i, k, i FROM unnest('{a,b}'::text[]) k, generate_series(1, 40) i;
RESET ROLE;
GRANT SELECT, DELETE ON inode TO case31_app;
ALTER TABLE path_b OWNER TO CURRENT_USER;
