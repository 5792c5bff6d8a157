-- The :pairs whose referenced leaf does not have the very row-movement guard that statements/create-row-movement-guard.sql has
-- `seen` (null: none), in the same version of its row. `taken`: another trigger has its name, or it was changed since. One index
-- lookup for each pair, because it is also asked under the locks of the drop.
-- not null: pair, referenced_oid, taken
:begin
SELECT p.pair, p.referenced_oid, g.oid IS NOT NULL AS taken
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referenced_oid oid, seen text)
  LEFT JOIN pg_trigger g ON g.tgrelid = p.referenced_oid AND g.tgname = ('~p2pfk_row_movement_guard_' || :'migration_id'::text)::name
 WHERE format('%s %s', g.oid, g.xmin) IS DISTINCT FROM p.seen
 ORDER BY p.pair
:end
