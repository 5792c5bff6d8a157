-- One turn: the next pair of the list, as :pairs for the files of sql/, and its names for messages (without the schema where it
-- is the table's own; a control character in a name is shown as ?).
SELECT :n + 1                              AS n,
       :n + 1 < :of                        AS more,
       jsonb_build_array(e.pair)           AS pairs,
       e.pair ->> 'pair'                   AS pair,
       e.pair ->> 'referencing_oid'        AS pair_referencing_oid,
       e.pair ->> 'referenced_oid'         AS pair_referenced_oid,
       coalesce(e.pair ->> 'state', '')    AS pair_state,
       e.pair ->> 'rows'                   AS pair_rows,
       coalesce(e.pair -> 'constraint_added' = 'true', false) AS constraint_added,
       coalesce(e.pair -> 'index_added' = 'true', false)      AS index_added,
       regexp_replace(CASE WHEN starts_with(e.pair ->> 'referencing', :'schema') THEN substr(e.pair ->> 'referencing', length(:'schema') + 1)
                           ELSE e.pair ->> 'referencing' END, :'unprintable', '?', 'g') AS referencing,
       regexp_replace(CASE WHEN starts_with(e.pair ->> 'referenced', :'schema') THEN substr(e.pair ->> 'referenced', length(:'schema') + 1)
                           ELSE e.pair ->> 'referenced' END, :'unprintable', '?', 'g')  AS referenced
  FROM (SELECT current_setting('p2pfk.list')::jsonb -> :n AS pair) e \gset
\set outcome DONE
\ir :body
SELECT :skipped + (:'outcome' = 'SKIPPED')::int AS skipped, :failures + (:'outcome' = 'FAILED')::int AS failures \gset
