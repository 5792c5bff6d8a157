-- Migrated tables whose referenced partitions lack a working row-movement guard (:'guards', rows of
-- statements/create-row-movement-guard.sql, none where none is wanted): it was dropped, altered or does not fire. Where a pair FK
-- is missing as well, or the migration is not complete, `migrate` creates the guards.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH guard AS (
  SELECT g.relation, row_number() OVER (ORDER BY g.pair) AS n
    FROM jsonb_to_recordset(:'guards'::jsonb)
         AS g(pair int, relation text, stands boolean, old_firing text)
   WHERE NOT g.stands AND coalesce(g.old_firing, 'D') NOT IN ('O', 'A')
)
SELECT 'missing-guard' AS id, 'error' AS severity, false AS needs_acceptance,
       format('the row-movement guard of %s referenced partition(s) is gone, altered or disabled (%s%s): an UPDATE that moves a row of %s to another partition silently runs %s on the referencing rows',
              count(*), string_agg(g.relation, ', ' ORDER BY g.n) FILTER (WHERE g.n <= 3),
              CASE WHEN count(*) > 3 THEN format(' and %s more', count(*) - 3) ELSE '' END,
              :'referenced_table'::text, substring(:'actions'::text FROM 'ON DELETE (?:CASCADE|SET NULL|SET DEFAULT)')) AS message,
       format('p2pfk audit --table %s --fix --run%s', :'table_argument'::text,
              CASE WHEN :'migration_id'::text = '' THEN ' --accept ledger-missing' ELSE '' END) AS remedy
  FROM guard g
 WHERE :'constraint_oid'::text = ''
   AND (:'migration_id'::text = '' OR :'ledger'::jsonb -> 'entry' ->> 'state' = 'migrated')
   AND NOT EXISTS (SELECT FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(validated boolean, enforced boolean) WHERE NOT (p.validated AND p.enforced))
HAVING count(*) > 0
:end
