-- The gate, as far as the catalog shows (core/checks/gate.ts): the present pairs (:'pairing') are those of the ledger
-- (:'planned'), each with a valid and enforced FK, and no finding of gate-findings.sql is an error. :problems is empty where it
-- passes.
WITH now AS (
  SELECT * FROM jsonb_to_recordset(:'pairing'::jsonb)
    AS p(pair int, referencing_oid oid, referencing text, referenced_oid oid, referenced text, bound text, constraint_oid oid,
         constraint_name text, validated boolean, enforced boolean)
), planned AS (
  SELECT * FROM jsonb_to_recordset(:'planned'::jsonb)
    AS p(pair int, referencing_oid oid, referencing text, referenced_oid oid, bound text)
), problem(n, pair, line) AS (
  SELECT 0, min(n.pair), format('%s is in two pairs, with %s', n.referencing, string_agg(n.referenced, ' and with ' ORDER BY n.pair))
    FROM now n
   GROUP BY n.referencing_oid, n.referencing
  HAVING count(*) > 1
  UNION ALL
  SELECT 1, n.pair, format('partition set changed: %s was attached after the plan', n.referencing)
    FROM now n
   WHERE NOT EXISTS (SELECT FROM planned p WHERE (p.referencing_oid, p.referenced_oid, p.bound) = (n.referencing_oid, n.referenced_oid, n.bound))
  UNION ALL
  -- Where another referenced partition came, or the partner went, the leaf itself is where it was.
  SELECT 2, p.pair, coalesce(format('partition set changed: %s has no partner any more, as ', p.referencing) || (u ->> 'why'),
                             format('partition set changed: %s or its partner was detached, dropped or given another bound after the plan', p.referencing))
    FROM planned p
    LEFT JOIN jsonb_array_elements(:'unpaired'::jsonb) u ON u -> 'oid' = to_jsonb(p.referencing_oid::bigint)
   WHERE NOT EXISTS (SELECT FROM now n WHERE (p.referencing_oid, p.referenced_oid, p.bound) = (n.referencing_oid, n.referenced_oid, n.bound))
  UNION ALL
  SELECT 7, 0, 'triggers of the parent foreign key fire in another mode than they did when the plan was made'
   WHERE :'firing_changed'::boolean
  UNION ALL
  SELECT CASE WHEN n.constraint_oid IS NULL THEN 3 WHEN NOT n.validated THEN 4 ELSE 5 END, n.pair,
         CASE WHEN n.constraint_oid IS NULL THEN format('%s has no pair foreign key to %s', n.referencing, n.referenced)
              WHEN NOT n.validated THEN format('pair foreign key %s of %s is not validated', n.constraint_name, n.referencing)
              ELSE format('pair foreign key %s of %s is not enforced: one of its triggers is disabled, or does not fire ALWAYS as that of the parent foreign key does', n.constraint_name, n.referencing) END
    FROM now n
   WHERE n.constraint_oid IS NULL OR NOT n.validated OR NOT n.enforced
  UNION ALL
  SELECT 6, NULL, format('%s has no partner, and rows by now: they would have no foreign key', u ->> 'partition')
    FROM jsonb_array_elements(:'unpaired'::jsonb) u
   WHERE u ->> 'side' = 'referencing' AND :'filled'::jsonb @> jsonb_build_array(u -> 'oid')
     AND NOT EXISTS (SELECT FROM planned p WHERE to_jsonb(p.referencing_oid::bigint) = u -> 'oid')
  UNION ALL
  SELECT 8, 0, f.message || '; ' || f.remedy
    FROM jsonb_to_recordset(:'findings'::jsonb) AS f(severity text, message text, remedy text)
   WHERE f.severity = 'error'
)
SELECT coalesce(string_agg(line, '; ' ORDER BY number) FILTER (WHERE number <= 3)
                  || CASE WHEN count(*) > 3 THEN format('; and %s more', count(*) - 3) ELSE '' END, '') AS problems,
       count(*) = 0 AS open,
       CASE WHEN bool_or(n = 0) THEN 'no plan may say that: report it as a fault of p2pfk'
            WHEN bool_or(n < 4) THEN 'run step 1 again'
            WHEN bool_or(n = 4) THEN 'run step 2 first'
            WHEN bool_or(n = 6) THEN 'move these rows, or create the referenced partition that holds their keys'
            WHEN bool_or(n = 5) THEN 'ALTER TABLE ... ENABLE TRIGGER ALL puts it back'
            WHEN bool_or(n = 7) THEN 'run step 1 again'
            ELSE 'then run this step again' END AS remedy
  FROM (SELECT *, row_number() OVER (ORDER BY n, pair) AS number FROM problem) p \gset
