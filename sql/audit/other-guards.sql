-- Row-movement guards on the referenced leaves of :pairs that belong to no open migration: their ledger entry was lost, and
-- another one was made with another number. Nothing would drop them.
-- not null: pair, referenced_oid, relation, sql
SELECT DISTINCT ON (g.oid) p.pair, p.referenced_oid, format('%I.%I', n.nspname, c.relname) AS relation,
       format('DROP TRIGGER %I ON %I.%I', g.tgname, n.nspname, c.relname) AS sql
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referenced_oid oid)
  JOIN pg_trigger g ON g.tgrelid = p.referenced_oid AND NOT g.tgisinternal AND g.tgparentid = 0
                   AND g.tgname::text ~ '^~p2pfk_row_movement_guard_[0-9]{1,18}$'
                   AND g.tgfoid = (SELECT f.oid FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
                       WHERE n.nspname = 'p2pfk' AND f.proname = 'refuse_row_movement' AND f.pronargs = 0)
  JOIN pg_class c ON c.oid = p.referenced_oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT EXISTS (SELECT 1 FROM p2pfk.migration m
                    WHERE m.state <> 'rolled-back' AND m.id = substring(g.tgname::text FROM '[0-9]+$')::bigint)
 ORDER BY g.oid, p.pair;
