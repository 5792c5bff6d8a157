-- One row if a name without a schema may mean another table than the caller believes. `found` is the table that it leads to,
-- `others` what it would lead to without that table, or NULL.
--
-- A search_path begins with "$user": any role with CREATE on the database can make a schema of that name, and in 13 and 14 any
-- role can create a table in public. A table of a role that could become the login is no trap, because that role has the login's
-- rights anyway.
-- not null: found
:begin
WITH found AS (
  SELECT c.oid, c.relname, c.relowner, n.nspname, n.nspowner, s.place
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN jsonb_array_elements_text(:'schemas'::jsonb) WITH ORDINALITY s(name, place) ON s.name = n.nspname
   WHERE c.oid = :'table_oid'::oid
     -- Not by parse_ident: to_regclass takes names that it does not, such as 1a.
     AND strpos(regexp_replace(:'table', '"(?:[^"]|"")*"', '', 'g'), '.') = 0
), other AS (
  SELECT string_agg(format('%I.%I of %I', n.nspname, c.relname, pg_get_userbyid(c.relowner)), ', ' ORDER BY s.place) AS names
    FROM found f
   CROSS JOIN jsonb_array_elements_text(:'schemas'::jsonb) WITH ORDINALITY s(name, place)
    JOIN pg_namespace n ON n.nspname = s.name
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = f.relname AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
   WHERE s.place > f.place AND c.relowner <> f.relowner
), trusted AS (
  SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END AS how
)
SELECT format('%I.%I of %I', f.nspname, f.relname, pg_get_userbyid(f.relowner)) AS found, o.names AS others
  FROM found f CROSS JOIN other o CROSS JOIN trusted t
 WHERE NOT pg_has_role(f.relowner, session_user, t.how)
   AND (o.names IS NOT NULL OR f.nspname IN (session_user, current_user) AND NOT pg_has_role(f.nspowner, session_user, t.how))
:end
