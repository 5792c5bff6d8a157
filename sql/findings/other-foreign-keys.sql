-- Other foreign keys that still connect the tables after this migration: TRUNCATE ... CASCADE of a referenced partition empties
-- whole tables, and DETACH of it is refused, until those foreign keys are migrated or dropped, too. One to ONE partition (a pair
-- FK) connects only that partition, so only those to the root or to a partitioned child count. TRUNCATE continues from every
-- table that it empties, along any foreign key and with any ON DELETE: from a referencing partition to what references its table,
-- and from there to what references that.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE referenced AS (
  SELECT :'referenced_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referenced r JOIN pg_inherits i ON i.inhparent = r.oid
), referencing AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referencing r JOIN pg_inherits i ON i.inhparent = r.oid
), other AS MATERIALIZED (
  SELECT c.oid, c.conrelid, c.confrelid, x.relkind = 'p' AS to_all, c.confrelid IN (SELECT oid FROM referenced) AND x.relkind = 'p' AS direct,
         format('%I of %I.%I', c.conname, n.nspname, t.relname) AS name, format('%I.%I', n.nspname, t.relname) AS referencing
    FROM pg_constraint c
    JOIN pg_class x ON x.oid = c.confrelid
    JOIN pg_class t ON t.oid = c.conrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
   WHERE c.contype = 'f' AND c.conparentid = 0 AND c.oid IS DISTINCT FROM nullif(:'constraint_oid'::text, '')::oid
     -- While the parent FK exists a rollback may have added foreign keys of leaves to the root: those are its own.
     AND NOT (c.conrelid IN (SELECT oid FROM referencing)
              AND regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '') = :'definition'::text)
), emptied AS (
  -- `whole`: more than what belongs to the partition that is truncated. A pair is where it begins, and is what is wanted.
  SELECT r.oid, NULL::oid AS by, false AS whole FROM (SELECT oid FROM referenced UNION SELECT oid FROM referencing) r
    JOIN pg_class c ON c.oid = r.oid AND c.relkind <> 'p'
  UNION
  SELECT d.oid, o.oid, e.whole OR o.to_all
    FROM emptied e
   CROSS JOIN LATERAL (SELECT e.oid UNION SELECT a.relid FROM pg_partition_ancestors(e.oid) a) up(oid)
    JOIN other o ON o.confrelid = up.oid
   CROSS JOIN LATERAL (SELECT o.conrelid UNION SELECT t.relid FROM pg_partition_tree(o.conrelid) t) d(oid)
), reached AS (
  SELECT o.name, o.referencing, o.direct, row_number() OVER (PARTITION BY o.direct ORDER BY o.name) AS n
    FROM other o
   WHERE o.direct
      OR EXISTS (SELECT FROM emptied e WHERE e.by = o.oid AND e.whole)
         -- The pairs themselves, where the chain comes back to the referenced table.
         AND NOT (o.conrelid IN (SELECT oid FROM referencing) AND o.confrelid IN (SELECT oid FROM referenced))
)
SELECT 'other-foreign-keys' AS id, 'warning' AS severity, false AS needs_acceptance,
       concat_ws('; ',
         CASE WHEN count(*) FILTER (WHERE direct) > 0
              THEN format('%s other foreign key(s) still tie %s after this migration: %s; until they are migrated or dropped too, TRUNCATE ... CASCADE of one of its partitions empties %s as a whole, and DETACH PARTITION of it is refused',
                          count(*) FILTER (WHERE direct), :'referenced_table'::text, string_agg(name, ', ' ORDER BY name) FILTER (WHERE direct),
                          string_agg(DISTINCT referencing, ', ') FILTER (WHERE direct)) END,
         CASE WHEN count(*) FILTER (WHERE NOT direct) > 0
              THEN format('TRUNCATE ... CASCADE of one partition of %s goes on by foreign keys to the tables that it empties, and still empties as a whole: %s (by %s%s)',
                          :'referenced_table'::text, string_agg(DISTINCT referencing, ', ') FILTER (WHERE NOT direct AND n <= 20),
                          string_agg(name, ', ' ORDER BY name) FILTER (WHERE NOT direct AND n <= 20),
                          CASE WHEN max(n) FILTER (WHERE NOT direct) > 20 THEN format(' and %s more', max(n) FILTER (WHERE NOT direct) - 20) ELSE '' END)
              END) AS message,
       'migrate them too: p2pfk migrate --table with the name of each referencing table; one that is not partitioned can only be dropped; until then DELETE instead of TRUNCATE ... CASCADE' AS remedy
  FROM reached
HAVING count(*) > 0
:end
