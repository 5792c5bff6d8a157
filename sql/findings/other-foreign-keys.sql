-- Other foreign keys that still tie the referenced table after this migration: TRUNCATE ... CASCADE of one of its partitions
-- empties those tables as a whole, and DETACH of a referenced partition is refused, until they are migrated or dropped too.
-- A foreign key to ONE partition (a pair FK) ties only that partition, so only those to the root or to a partitioned child count.
:begin
WITH RECURSIVE referenced AS (
  SELECT :'referenced_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referenced r JOIN pg_inherits i ON i.inhparent = r.oid
), referencing AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referencing r JOIN pg_inherits i ON i.inhparent = r.oid
), other AS (
  SELECT c.oid, format('%I of %I.%I', c.conname, n.nspname, t.relname) AS name,
         format('%I.%I', n.nspname, t.relname) AS referencing
    FROM pg_constraint c
    JOIN referenced r ON r.oid = c.confrelid
    JOIN pg_class x ON x.oid = c.confrelid AND x.relkind = 'p'
    JOIN pg_class t ON t.oid = c.conrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
   WHERE c.contype = 'f' AND c.conparentid = 0 AND c.oid IS DISTINCT FROM nullif(:'constraint_oid'::text, '')::oid
     -- While the parent FK exists a rollback may have added foreign keys of leaves to the root: those are its own.
     AND NOT (c.conrelid IN (SELECT oid FROM referencing)
              AND regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '') = :'definition'::text)
)
SELECT 'other-foreign-keys' AS id, 'warning' AS severity, false AS needs_acceptance,
       format('%s other foreign key(s) still tie %s after this migration: %s; until they are migrated or dropped too, TRUNCATE ... CASCADE of one of its partitions empties %s as a whole, and DETACH PARTITION of it is refused',
              count(*), :'referenced_table'::text, string_agg(name, ', ' ORDER BY name),
              string_agg(DISTINCT referencing, ', ')) AS message,
       'migrate them too: p2pfk migrate --table with the name of each referencing table; one that is not partitioned can only be dropped' AS remedy
  FROM other
HAVING count(*) > 0
:end
