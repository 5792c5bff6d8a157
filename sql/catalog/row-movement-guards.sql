-- Every row-movement guard of this migration: on a leaf, even one that is in no pair any more; or, created by an older version,
-- on the referenced table (`old`), with copies on the partitions that are dropped with it.
-- not null: pair, referenced_oid, relation, old
:begin
SELECT row_number() OVER (ORDER BY g.tgname, n.nspname, c.relname)::int AS pair,
       g.tgrelid AS referenced_oid, format('%I.%I', n.nspname, c.relname) AS relation,
       g.tgname = 'p2pfk_row_movement_guard_' || :'migration_id'::text AS old
  FROM pg_trigger g
  JOIN pg_class c ON c.oid = g.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE g.tgname IN ('~p2pfk_row_movement_guard_' || :'migration_id'::text, 'p2pfk_row_movement_guard_' || :'migration_id'::text)
   AND g.tgparentid = 0 AND NOT g.tgisinternal
 ORDER BY 1
:end
