-- Leaf partitions of either table that this role does not own or cannot read. A partition may have its own owner.
-- not null: partition, owned, can_select
:begin
SELECT format('%I.%I', n.nspname, c.relname) AS partition,
       pg_has_role(c.relowner, 'USAGE')      AS owned,
       has_table_privilege(c.oid, 'SELECT')  AS can_select
  FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid)
  JOIN pg_class c ON c.oid = r.oid::oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT (pg_has_role(c.relowner, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))
 ORDER BY 1
:end
