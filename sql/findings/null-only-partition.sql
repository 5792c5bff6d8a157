-- Referencing leaves that can hold no complete key, only NULL in a column of the foreign key (LIST ... IN (NULL)). MATCH SIMPLE
-- accepts every such row, so no pair FK is missing there. MATCH FULL refuses a key that is NULL in part, and without a pair FK
-- nothing would: only if all key columns are NULL is it the same.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH keyless AS (
  SELECT * FROM jsonb_to_recordset(:'unpaired'::jsonb) AS u(partition text, bound text, keyless boolean, "needsPair" boolean)
   WHERE keyless
)
SELECT 'null-only-partition' AS id, 'info' AS severity, false AS needs_acceptance,
       format('%s referencing partition(s) can hold no complete key, and need no foreign key: %s', count(*),
              string_agg(partition, ', ' ORDER BY partition)) AS message,
       'nothing to do: a row whose key has a NULL references nothing' AS remedy
  FROM keyless
 WHERE NOT "needsPair"
HAVING count(*) > 0
UNION ALL
SELECT 'null-only-partition', 'error', false,
       format('referencing partition %s (%s) can hold no complete key, so it has no partner, and MATCH FULL refuses a key that is NULL in part: without a foreign key nothing would',
              partition, bound),
       'detach or drop the partition, or make the foreign key MATCH SIMPLE'
  FROM keyless
 WHERE "needsPair"
:end
