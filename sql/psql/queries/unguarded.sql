-- Check 1 also requires a working row-movement guard on each referenced partition that needs one (:'guards'), and no trigger that
-- runs after it (:'late_triggers'), as core/checks/verification.ts does.
WITH bad AS (
  SELECT g.relation, row_number() OVER (ORDER BY g.pair) AS n
    FROM jsonb_to_recordset(:'guards'::jsonb)
         AS g(pair int, relation text, stands boolean, old_firing text)
   WHERE NOT g.stands AND coalesce(g.old_firing, 'D') NOT IN ('O', 'A')
), counted AS (
  SELECT count(*) AS n, (SELECT CASE WHEN starts_with(relation, :'schema') THEN substr(relation, length(:'schema') + 1) ELSE relation END
                           FROM bad WHERE n = 1) AS first
    FROM bad
)
SELECT :'check1'::boolean AND c.n = 0 AND :'late_triggers' = '' AS check1,
       :'detail1' || CASE WHEN c.n = 0 THEN ''
                          ELSE format(', unguarded %s: no working row-movement guard on %s%s, so an UPDATE that moves a row to another partition silently runs %s',
                                      c.n, c.first, CASE WHEN c.n > 1 THEN format(' and %s more', c.n - 1) ELSE '' END,
                                      substring(:'actions' FROM 'ON DELETE (?:CASCADE|SET NULL|SET DEFAULT)')) END
         || CASE WHEN :'late_triggers' = '' THEN '' ELSE ', ' || :'late_triggers' END AS detail1
  FROM counted c \gset
