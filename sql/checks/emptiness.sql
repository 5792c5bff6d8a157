-- For each partition the query that tells whether it holds a row: planner statistics may be old, this is exact.
:begin
SELECT c.oid, format('SELECT EXISTS (SELECT FROM ONLY %I.%I) AS has_rows', n.nspname, c.relname) AS sql
  FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid)
  JOIN pg_class c ON c.oid = r.oid::oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
:end
