-- Pair FKs that belong to no open migration of the ledger: the schema p2pfk was dropped, its rows were deleted, a backup of it
-- from before the migration was restored, or the tables were restored without it. Found by the catalog only: pair FKs on pairs of
-- partitions.
--
-- Beside a parent FK they may be half of a migration, or foreign keys that a person has added. After a rollback (noted in
-- :'ledger') they are the latter, and no finding.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH pair AS (
  SELECT p.* FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, constraint_oid oid, constraint_name text)
), ledger AS (
  SELECT l.* FROM jsonb_to_record(:'ledger'::jsonb) AS l(present boolean, readable boolean, is_copy boolean, entry jsonb)
), counted AS (
  SELECT count(*) AS pairs, count(p.constraint_oid) AS covered, :'constraint_oid'::text <> '' AS parent FROM pair p
), said AS (
  SELECT c.*, l.readable, l.is_copy,
         CASE WHEN NOT l.present THEN 'there is no ledger, schema p2pfk'
              WHEN l.is_copy THEN 'the schema p2pfk is a copy of the ledger of another database'
              WHEN NOT l.readable THEN format('role %s cannot read the ledger, schema p2pfk', current_user)
              WHEN l.entry IS NULL THEN 'the ledger knows no migration of them'
              ELSE format('the ledger knows only migration %s, which is %s since %s',
                          l.entry ->> 'id', l.entry ->> 'state', l.entry ->> 'since') END AS words
    FROM counted c CROSS JOIN ledger l
   WHERE c.covered > 0 AND :'migration_id'::text = '' AND NOT (c.parent AND l.entry IS NOT NULL)
)
SELECT 'ledger-missing' AS id, 'warning' AS severity, false AS needs_acceptance,
       CASE WHEN s.parent
            THEN format('%s of %s pairs of %s and %s have a pair foreign key beside the parent foreign key %I, and %s: they are a half of a migration, or were made by hand; p2pfk takes them for yours, so a rollback leaves them',
                        s.covered, s.pairs, :'table'::text, :'referenced_table'::text, :'constraint_name'::text, s.words)
            ELSE format('%s of %s pairs of %s and %s have a pair foreign key, no parent foreign key exists, and %s: the ledger is lost, or older than the database, and without it nothing can be rolled back',
                        s.covered, s.pairs, :'table'::text, :'referenced_table'::text, s.words) END AS message,
       CASE WHEN s.readable OR s.words LIKE 'there is no ledger%'
            THEN format('p2pfk audit --table %s --fix --run --accept ledger-missing makes an entry from what the pair foreign keys say, and missing row-movement guards with it; then p2pfk rollback works',
                        :'table_argument'::text)
            WHEN s.is_copy THEN 'end the replication of that schema and drop it, then let p2pfk audit make an entry from the pair foreign keys'
            ELSE 'run it as a role that can read the ledger' END AS remedy
  FROM said s
:end
