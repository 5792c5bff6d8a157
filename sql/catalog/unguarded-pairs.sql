-- Those of :pairs whose referenced leaf has no row-movement guard of this migration. One index look-up a pair: it is asked under the
-- locks of the drop, too. A trigger of the guard's name that calls another function is none: who has TRIGGER on the leaf can make it.
SELECT p.pair, p.referenced_oid::bigint AS referenced_oid
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referenced_oid oid)
 WHERE NOT EXISTS (SELECT 1 FROM pg_trigger g
                    WHERE g.tgrelid = p.referenced_oid AND g.tgname = ('~p2pfk_row_movement_guard_' || :'migration_id'::text)::name
                      AND g.tgtype = 19 AND g.tgfoid = to_regprocedure('p2pfk.refuse_row_movement()'))
 ORDER BY p.pair;
