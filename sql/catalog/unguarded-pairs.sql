-- Those of :pairs whose referenced leaf has not the very row-movement guard that statements/create-row-movement-guard.sql has `seen`
-- (null: none), in the version of its row that it had; `taken`: another trigger has its name, or it was changed since. One index
-- look-up a pair: it is asked under the locks of the drop, too.
-- not null: pair, referenced_oid, taken
:begin
SELECT p.pair, p.referenced_oid, g.oid IS NOT NULL AS taken
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referenced_oid oid, seen text)
  LEFT JOIN pg_trigger g ON g.tgrelid = p.referenced_oid AND g.tgname = ('~p2pfk_row_movement_guard_' || :'migration_id'::text)::name
 WHERE format('%s %s', g.oid, g.xmin) IS DISTINCT FROM p.seen
 ORDER BY p.pair
:end
