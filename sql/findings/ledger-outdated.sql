-- The ledger's entry is older than the database: a backup of it was restored, or its rows were deleted in part. No parent FK
-- exists. In the entry, the pair FKs were not made yet although the parent FK is dropped (the verified drop notes itself in its
-- own transaction), or are not mentioned at all. A rollback that uses such an entry would leave pair FKs without a guard.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH entry AS (
  SELECT e.* FROM jsonb_to_record(coalesce(nullif(:'ledger'::jsonb -> 'entry', 'null'), '{}')) AS e(id text, state text, since text, is_dropped boolean, pairs jsonb)
   WHERE e.id = :'migration_id'::text AND :'constraint_oid'::text = '' AND e.state <> 'rolling-back'
), pair AS (
  SELECT p.*, k.constraint_added, k.referencing_oid IS NOT NULL AS known
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing text, referencing_oid oid, referenced_oid oid, constraint_oid oid)
   CROSS JOIN entry e
    LEFT JOIN jsonb_to_recordset(e.pairs) AS k(referencing_oid oid, referenced_oid oid, constraint_added boolean)
           ON k.referencing_oid = p.referencing_oid AND k.referenced_oid = p.referenced_oid
   WHERE p.constraint_oid IS NOT NULL
), counted AS (
  SELECT count(*) AS covered, count(*) FILTER (WHERE p.constraint_added IS NOT TRUE) AS foreign_ones, bool_or(p.known) AS any_known FROM pair p
)
SELECT 'ledger-outdated' AS id, 'error' AS severity, false AS needs_acceptance,
       format('the ledger''s entry of migration %s (%s since %s) is older than the database: the parent foreign key %I is dropped, and %s of %s pair foreign keys of %s are unknown to it, or not as its own; a rollback would leave them without a row-movement guard',
              e.id, e.state, e.since, :'constraint_name'::text, c.foreign_ones, c.covered, :'table'::text) AS message,
       format('p2pfk audit --table %s --fix --run --accept ledger-outdated brings the entry up to date from the catalog',
              :'table_argument'::text) AS remedy
  FROM entry e CROSS JOIN counted c
 WHERE c.covered > 0
   AND CASE WHEN e.state = 'migrated' THEN NOT c.any_known ELSE NOT e.is_dropped AND c.foreign_ones > 0 END
:end
