-- The names with which a migration that only the catalog shows becomes a ledger entry. `constraint_name`: the parent FK's, which
-- is recorded nowhere: the given one (:'wanted', may be empty), else the one that all pair FKs have
-- (statements/rename-pair-foreign-keys.sql), else the one that PostgreSQL itself would have chosen. `refusal`: empty, or why the
-- parent FK could not be restored under that name. `former_names`: where the pair FKs have that name, the one that a rollback
-- gives each of them.
-- not null: constraint_name, refusal, former_names
-- types: former_names FormerName[]
:begin
WITH pair AS (
  SELECT p.* FROM jsonb_to_recordset(:'pairs'::jsonb)
    AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_oid oid, constraint_name text)
   WHERE p.constraint_oid IS NOT NULL
), root AS (
  SELECT r.oid, r.relname FROM pg_class r WHERE r.oid = :'referencing_oid'::oid
), chosen AS (
  SELECT CASE WHEN :'wanted'::text <> '' THEN :'wanted'::text
              WHEN (SELECT count(*) > 1 AND count(DISTINCT p.constraint_name) = 1 FROM pair p) THEN (SELECT min(p.constraint_name) FROM pair p)
              ELSE format('%s_%s_fkey', r.relname, (SELECT string_agg(e, '_' ORDER BY n)
                                                      FROM jsonb_array_elements_text(:'column_names'::jsonb) WITH ORDINALITY x(e, n)))::name::text
         END AS name
    FROM root r
), former AS (
  SELECT p.referencing_oid, p.referenced_oid,
         CASE WHEN octet_length(f.name) <= 63 AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = p.referencing_oid AND c.conname = f.name::name)
              THEN f.name
              ELSE substr((repeat('x', 9) || f.name)::name::text, 10) || '_' || left(md5(f.name || k.name), 8) END AS name
    FROM pair p
    JOIN chosen k ON k.name = p.constraint_name
    JOIN pg_class b ON b.oid = p.referenced_oid
   CROSS JOIN root r
   CROSS JOIN LATERAL (SELECT 'fk_' || r.relname || '_to_' || b.relname) f(name)
)
SELECT k.name AS constraint_name,
       CASE WHEN octet_length(k.name) > 63 THEN format('%I is longer than 63 bytes', k.name)
            WHEN EXISTS (SELECT 1 FROM pg_constraint c JOIN root r ON r.oid = c.conrelid WHERE c.conname = k.name::name)
            THEN format('the table has another constraint named %I', k.name)
            ELSE '' END AS refusal,
       coalesce((SELECT jsonb_agg(jsonb_build_object('referencing_oid', f.referencing_oid::bigint, 'referenced_oid', f.referenced_oid::bigint, 'name', f.name))
                   FROM former f), '[]') AS former_names
  FROM chosen k
:end
