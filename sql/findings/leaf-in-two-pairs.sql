-- A referencing partition in two pairs: each of its rows would have to be in both referenced partitions, so that no row could be
-- inserted any more. No layout should lead to it; this is a second check of the pairing.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'leaf-in-two-pairs' AS id, 'error' AS severity, false AS needs_acceptance,
       format('%s would get foreign keys to %s partitions of %s (%s): no row of it could reference them all',
              p.referencing, count(*), :'referenced_table'::text, string_agg(p.referenced, ', ' ORDER BY p.referenced)) AS message,
       'report this layout as a defect of p2pfk: the partition bounds were not understood' AS remedy
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referencing text, referenced text)
 GROUP BY p.referencing_oid, p.referencing
HAVING count(*) > 1
 ORDER BY p.referencing
:end
