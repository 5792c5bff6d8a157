-- No migration is open in the ledger to roll back, and yet there are pair FKs (:'shapes'): without a parent FK, or beside one of
-- a table that the ledger does not have at all. Then the ledger is lost, or older than the database (core/steps/forward/plan.ts).
WITH standing AS (
  SELECT s.*, CASE WHEN s.table_name ~ '^[A-Za-z0-9_.]+$' THEN s.table_name
                   ELSE format('''%s''', replace(s.table_name, '''', '''\''''')) END AS table_argument
    FROM jsonb_to_recordset(:'standing'::jsonb) AS s(table_name text, constraint_oid oid, referenced_oid oid)
), shape AS (
  SELECT h.definition, h.pairs,
         EXISTS (SELECT FROM standing s WHERE s.constraint_oid IS NOT NULL AND s.referenced_oid = h.referenced_oid) AS has_parent
    FROM jsonb_to_recordset(:'shapes'::jsonb) AS h(referenced_oid oid, definition text, pairs int)
), found AS (
  SELECT h.* FROM shape h WHERE NOT h.has_parent OR NOT :'has_entries'::boolean ORDER BY h.has_parent, h.pairs DESC LIMIT 1
)
SELECT CASE WHEN f.definition IS NULL THEN :'refusal'
            ELSE format('refused, nothing was changed: the ledger has no open migration of %1$s, and yet %2$s of its partitions have pair foreign keys (%3$s)%4$s: it is lost, or older than the database; p2pfk audit --table %5$s --fix --run --accept ledger-missing makes an entry from them, then a rollback works',
                        (SELECT s.table_name FROM standing s LIMIT 1), f.pairs, f.definition,
                        CASE WHEN f.has_parent THEN ' beside the parent foreign key' ELSE ', and no parent foreign key exists' END,
                        (SELECT s.table_argument FROM standing s LIMIT 1)) END AS refusal,
       f.definition IS NOT NULL OR :'refused'::boolean AS refused
  FROM (VALUES (1)) one(n) LEFT JOIN found f ON true \gset
