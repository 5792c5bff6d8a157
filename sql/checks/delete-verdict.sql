-- The verdict of the check `delete-performance`, from the proofs by query plan (lookup-proofs.sql) and the result of the DELETE
-- probe. Run under the lock of the drop, it makes sure that each index that a proof names still exists and is valid.
--
--   pairs       with constraint_oid, where a pair FK exists; only these need a proof
--   proofs      null: nothing was proved, the DELETE is only measured
--   outcome     of the probe, see core/checks/delete-probe.ts: obstacle, found, deleted, took_ms, sqlstate, message, role_error
--   no_indexes  the operator wanted no indexes, and knows that a DELETE scans
-- not null: passed, detail
:begin
WITH pair AS (
  SELECT p.pair, p.referencing, p.referenced, x.indexrelid IS NOT NULL AS proved
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing text, referenced text, constraint_oid oid)
    LEFT JOIN jsonb_to_recordset(CASE jsonb_typeof(:'proofs'::jsonb) WHEN 'array' THEN :'proofs'::jsonb ELSE '[]' END)
           AS f(constraint_oid oid, index_oid oid) ON f.constraint_oid = p.constraint_oid
    LEFT JOIN pg_index x ON x.indexrelid = f.index_oid AND x.indisvalid AND x.indisready
   WHERE p.constraint_oid IS NOT NULL
), proof AS (
  SELECT count(*) AS pairs, count(*) FILTER (WHERE NOT proved) AS scanning,
         (array_agg(format('%s of %s', referencing, referenced) ORDER BY pair) FILTER (WHERE NOT proved))[1] AS first,
         jsonb_typeof(:'proofs'::jsonb) = 'array' AND count(*) > 0 AS asked
    FROM pair
), outcome AS (
  SELECT o.*, to_char(make_interval(secs => round(o.took_ms::numeric)::float8 / 1000), 'HH24:MI:SS.MS') AS took
    FROM jsonb_to_record(:'outcome'::jsonb)
      AS o(obstacle text, found bigint, deleted bigint, took_ms float8, sqlstate text, message text, timeout_ms float8)
), told AS (
  SELECT p.*, o.*, CASE WHEN p.asked THEN format('proved by plan for %s pair%s', p.pairs, CASE p.pairs WHEN 1 THEN '' ELSE 's' END)
                        ELSE 'not measured' END AS proved
    FROM proof p, outcome o
)
SELECT CASE WHEN asked AND scanning > 0 THEN :'no_indexes'::boolean
            WHEN coalesce(sqlstate, '') = '' OR sqlstate LIKE '23%' THEN coalesce(took_ms, 0) <= 1000
            ELSE asked OR sqlstate <> '57014' END AS passed,
       CASE WHEN asked AND scanning > 0 AND :'no_indexes'::boolean
              THEN format('a DELETE scans: no index serves %s of %s pairs, as no indexes were wanted', scanning, pairs)
            WHEN asked AND scanning > 0
              THEN format('a DELETE scans: no index serves the foreign key of %s of %s pairs, the first being %s', scanning, pairs, first)
            WHEN obstacle IS NOT NULL THEN format('%s; not executed: %s', proved, obstacle)
            WHEN sqlstate IN ('42501', '25006') THEN format('skipped: this role or server cannot DELETE (%s)%s', message, CASE WHEN asked THEN '; ' || proved ELSE '' END)
            -- Class 23. NO ACTION and RESTRICT refuse the DELETE of a referenced row, and so does what SET NULL and SET DEFAULT
            -- would make of a key that is NOT NULL or holds its row in its partition: the look-up that costs has been done.
            -- No code but PostgreSQL's own has run, so the refusal is the foreign key's.
            WHEN sqlstate LIKE '23%' THEN format('A DELETE was refused, as the foreign key says, in %s', took)
            WHEN sqlstate IN ('57014', '55P03') AND asked THEN format('%s; not executed: stopped after %s, so that no session waits for it', proved, took)
            WHEN sqlstate = '57014' THEN format('no answer within %s ms: stopped, so that no session waits for it', timeout_ms)
            WHEN sqlstate <> '' THEN format('%s; not executed: %s', proved, message)
            WHEN deleted > 0 THEN format('Deleted %s rows in %s', deleted, took)
            WHEN found > 0 THEN format('%s; not executed: too many rows reference each of the %s rows that were looked at', proved, found)
            WHEN found = 0 THEN format('%s; not executed: no unlocked row was found in a sample of the referenced partitions', proved)
            ELSE 'Deleted 0 rows: the referenced partitions are empty' END AS detail
  FROM told
:end
