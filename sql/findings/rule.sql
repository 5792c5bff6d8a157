-- Rules: PostgreSQL rewrites the queries of a foreign key by the rules of the table that they name. With pair FKs that is the
-- leaf, so a rule of it would decide what ON DELETE does; with the parent FK it is the root, whose rules would no longer apply.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH RECURSIVE referencing AS (
  SELECT :'referencing_oid'::oid AS oid
  UNION ALL
  SELECT i.inhrelid FROM referencing r JOIN pg_inherits i ON i.inhparent = r.oid
), relation AS (
  SELECT x.oid, true AS leaf
    FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
   CROSS JOIN LATERAL (VALUES (p.referencing_oid), (p.referenced_oid)) x(oid)
  UNION
  SELECT r.oid, false FROM referencing r JOIN pg_class c ON c.oid = r.oid AND c.relkind = 'p'
), found AS (
  SELECT format('%I of %I.%I', w.rulename, n.nspname, c.relname) AS name
    FROM relation r
    JOIN pg_rewrite w ON w.ev_class = r.oid AND (r.leaf OR w.ev_type IN ('2', '4'))
    JOIN pg_class c ON c.oid = r.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT 'rule' AS id, 'error' AS severity, false AS needs_acceptance,
       format('rules would change what the foreign keys do: %s; PostgreSQL rewrites the queries of a foreign key by the rules of the table they name, which is the partition with pair foreign keys and the whole table with the parent foreign key',
              string_agg(name, ', ' ORDER BY name)) AS message,
       'DROP RULE, or make a trigger of it' AS remedy
  FROM found
HAVING count(*) > 0
:end
