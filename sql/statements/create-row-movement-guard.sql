-- A BEFORE UPDATE trigger on the referenced table that refuses to move a row to another partition. With pair FKs such an
-- UPDATE would run the ON DELETE action on the referencing rows; with the parent FK PostgreSQL 15+ refused it (fact 9 of
-- docs/postgresql-facts.md). PostgreSQL clones it to every partition, those attached later too.
-- Lock: SHARE ROW EXCLUSIVE on the referenced table and its partitions, held already by the verified drop.
-- Safe because: a key change inside the same partition stays allowed, and the WHEN clause keeps other UPDATEs fast.
-- Run it with the caller's search_path: the types' = operators must be found.
:begin
SELECT format('CREATE TRIGGER %I BEFORE UPDATE OF %s ON %I.%I FOR EACH ROW WHEN (%s) EXECUTE FUNCTION p2pfk.refuse_row_movement()',
              'p2pfk_row_movement_guard_' || :'migration_id'::text,
              k.columns, n.nspname, t.relname, k.changed) AS sql,
       'SHARE ROW EXCLUSIVE on the referenced table and its partitions' AS lock
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
 CROSS JOIN LATERAL (
       WITH RECURSIVE tree AS (
         SELECT t.oid
         UNION ALL
         SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
       )
       SELECT string_agg(DISTINCT quote_ident(a.attname), ', ')                                       AS columns,
              string_agg(DISTINCT format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', a.attname), ' OR ')    AS changed
         FROM tree
         JOIN pg_partitioned_table p ON p.partrelid = tree.oid
        CROSS JOIN unnest(p.partattrs::int2[]) AS key(attnum)
         JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = key.attnum AND key.attnum > 0) k
 WHERE t.oid = :'referenced_oid'::oid
:end
