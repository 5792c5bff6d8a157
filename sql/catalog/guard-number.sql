-- The number in the names of most row-movement guards on the referenced leaves of :pairs: the id of the migration that created
-- them, even if the ledger does not have it any more. Every guard protects its leaf, regardless of its number.
-- not null: guard_number
:begin
SELECT coalesce((SELECT substring(g.tgname::text FROM '[0-9]+$')
                   FROM (SELECT DISTINCT p.referenced_oid FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referenced_oid oid)) p
                   JOIN pg_trigger g ON g.tgrelid = p.referenced_oid
                  WHERE NOT g.tgisinternal AND g.tgname::text ~ '^~?p2pfk_row_movement_guard_[0-9]{1,18}$'
                    AND g.tgfoid = (SELECT f.oid FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
                       WHERE n.nspname = 'p2pfk' AND f.proname = 'refuse_row_movement' AND f.pronargs = 0)
                  GROUP BY 1
                  ORDER BY count(*) DESC, 1
                  LIMIT 1), '0') AS guard_number
:end
