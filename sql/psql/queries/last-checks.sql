-- Checks 5 and 6, and all six as the ledger keeps them. `schema` is left out of a name where it is the table's own.
WITH pair AS (
  SELECT p.*, p.referencing_kind = 'f' OR p.referenced_kind = 'f' AS unread,
         format('%s %s %s', CASE WHEN starts_with(p.referencing, :'schema') THEN substr(p.referencing, length(:'schema') + 1) ELSE p.referencing END, '->',
                     CASE WHEN starts_with(p.referenced, :'schema') THEN substr(p.referenced, length(:'schema') + 1) ELSE p.referenced END) AS label,
         CASE WHEN starts_with(p.referencing, :'schema') THEN substr(p.referencing, length(:'schema') + 1) ELSE p.referencing END AS short,
         c.orphans
    FROM jsonb_to_recordset(:'pairing'::jsonb) AS p(pair int, referencing text, referencing_kind text, referenced text, referenced_kind text, constraint_oid oid, constraint_name text)
    LEFT JOIN jsonb_to_recordset(:'counts'::jsonb) AS c(pair int, orphans bigint) ON c.pair = p.pair
), total AS (
  SELECT coalesce(sum(orphans), 0) AS orphans, count(*) FILTER (WHERE orphans IS NULL) AS uncounted, count(*) AS pairs,
         string_agg(format('%s in %s', orphans, short), ', ' ORDER BY pair) FILTER (WHERE orphans > 0) AS found,
         string_agg(short, ', ' ORDER BY pair) FILTER (WHERE unread) AS unread
    FROM pair
), lone AS (
  SELECT u ->> 'bound' AS bound, u ->> 'kind' = 'f' AS unread, u -> 'needsPair' IS DISTINCT FROM 'false' AS needs_pair, :'filled'::jsonb @> jsonb_build_array((u ->> 'oid')::bigint) AS filled,
         CASE WHEN starts_with(u ->> 'partition', :'schema') THEN substr(u ->> 'partition', length(:'schema') + 1) ELSE u ->> 'partition' END AS short
    FROM jsonb_array_elements(:'unpaired'::jsonb) u
   WHERE u ->> 'side' = 'referencing'
), line(n, pair, text) AS (
  SELECT 1, pair, label || ': no pair FK' || CASE WHEN unread THEN ', as a foreign table can have no foreign key; p2pfk does not read its rows: detach it' ELSE '' END FROM pair WHERE constraint_oid IS NULL
  UNION ALL
  SELECT 2, n.pair, format('%s %s %s: attached after the drop, not checked here; see p2pfk audit',
                           CASE WHEN starts_with(n.referencing, :'schema') THEN substr(n.referencing, length(:'schema') + 1) ELSE n.referencing END, '->',
                           CASE WHEN starts_with(n.referenced, :'schema') THEN substr(n.referenced, length(:'schema') + 1) ELSE n.referenced END)
    FROM jsonb_to_recordset(:'newcomers'::jsonb) AS n(pair int, referencing text, referenced text)
  UNION ALL
  SELECT 3, NULL, CASE WHEN needs_pair THEN format('%s: no partner with the bound %s%s', short, bound,
                                                   CASE WHEN unread THEN ', as a foreign table can have no foreign key; p2pfk does not read its rows: detach it' END)
                       ELSE format('%s: needs none, as it can hold no complete key', short) END
    FROM lone
  UNION ALL
  SELECT 4, pair, format('%s: %s', label, constraint_name) FROM pair WHERE constraint_oid IS NOT NULL
), checked AS (
  SELECT t.pairs > 0 AND t.orphans = 0 AND t.uncounted = 0 AS check5,
         CASE WHEN t.orphans > 0 THEN format('%s orphaned rows found: %s', t.orphans, t.found)
              WHEN t.uncounted > 0 THEN format('%s pairs could not be counted: %s', t.uncounted,
                                                   coalesce(t.unread || ': a foreign table, which p2pfk does not read', 'no foreign key tells how to compare them'))
              ELSE format('No orphaned rows found in %s pairs checked', t.pairs) END AS detail5,
         t.pairs > 0 AND NOT EXISTS (SELECT FROM pair WHERE constraint_oid IS NULL) AND NOT (:'whole'::boolean AND EXISTS (SELECT FROM lone WHERE filled)) AS check6,
         coalesce((SELECT string_agg(text, E'\n' ORDER BY n, pair, text) FROM line), '') AS detail6,
         coalesce((SELECT string_agg(regexp_replace(text, :'unprintable', '?', 'g'), E'\n  ' ORDER BY n, pair, text) FROM line), '') AS inventory
    FROM total t
), verdict AS (
  SELECT c.*, v.checks, (SELECT count(*) FROM jsonb_array_elements(v.checks) e WHERE e -> 'passed' = 'false') AS failed
    FROM checked c
   CROSS JOIN LATERAL (
         SELECT jsonb_build_array(
                  jsonb_build_object('id', 'pair-foreign-keys', 'title', 'Checking partition-level FK constraints', 'passed', :'check1'::boolean, 'detail', :'detail1'),
                  jsonb_build_object('id', 'parent-foreign-key', 'title', 'Checking for parent-level FK', 'passed', :'check2'::boolean, 'detail', :'detail2'),
                  jsonb_build_object('id', 'foreign-key-targets', 'title', 'Verifying FK targets', 'passed', :'check3'::boolean, 'detail', :'detail3'),
                  jsonb_build_object('id', 'delete-performance', 'title', 'Testing DELETE performance', 'passed', :'check4'::boolean, 'detail', :'detail4'),
                  jsonb_build_object('id', 'orphans', 'title', 'Verifying data integrity', 'passed', c.check5, 'detail', c.detail5),
                  jsonb_build_object('id', 'inventory', 'title', 'Listing all partition-to-partition FK constraints', 'passed', c.check6, 'detail', c.detail6)) AS checks) v
)
SELECT check5, detail5, check6,
       '  ' || inventory AS inventory,
       regexp_replace(detail5, :'unprintable', '?', 'g') AS label5,
       failed = 0 AS passed, failed,
       jsonb_build_object('passed', failed = 0, 'checks', checks) AS verification,
       (SELECT string_agg(format('%s: %s', e ->> 'id', split_part(e ->> 'detail', E'\n', 1)), '; ') FROM jsonb_array_elements(checks) e WHERE e -> 'passed' = 'false') AS failures
  FROM verdict \gset
