-- Checks that the partitions are those of the plan, and that each pair has a valid foreign key whose four triggers fire.
-- p2pfk.script_migration has the id of the migration. Reads the catalog and the ledger only.
DO $gate$
DECLARE
  problems text;
BEGIN
  WITH planned AS (
    SELECT p.* FROM p2pfk.pair p WHERE p.migration_id = current_setting('p2pfk.script_migration')::bigint
  )
  SELECT string_agg(x.problem, '; ') INTO problems
    FROM (SELECT format('%s or %s is not the partition that the plan was made for', p.referencing, p.referenced) AS problem
            FROM planned p
            LEFT JOIN pg_class a ON a.oid = p.referencing_oid AND a.relispartition
            LEFT JOIN pg_class b ON b.oid = p.referenced_oid AND b.relispartition
           WHERE b.oid IS NULL OR pg_get_expr(a.relpartbound, a.oid) IS DISTINCT FROM p.bound
          UNION ALL
          SELECT format('%s has no valid and enforced foreign key to %s', p.referencing, p.referenced)
            FROM planned p
           WHERE NOT EXISTS (SELECT FROM pg_constraint c
                              WHERE c.contype = 'f' AND c.conrelid = p.referencing_oid AND c.confrelid = p.referenced_oid
                                AND c.conparentid = 0 AND c.conname = p.constraint_name AND c.convalidated
                                AND (SELECT count(*) FROM pg_trigger t WHERE t.tgconstraint = c.oid AND t.tgenabled IN ('O', 'A')) = 4)
          UNION ALL
          SELECT format('%s was attached after the plan', t.relid::regclass)
            FROM p2pfk.migration m
           CROSS JOIN LATERAL pg_partition_tree(m.table_oid) t
           WHERE m.id = current_setting('p2pfk.script_migration')::bigint AND t.isleaf
             AND t.relid::oid <> ALL (SELECT u.name::regclass::oid FROM jsonb_array_elements_text(current_setting('p2pfk.script_unpaired')::jsonb) u(name))
             AND NOT EXISTS (SELECT FROM planned p WHERE p.referencing_oid = t.relid)) x;
  IF problems IS NOT NULL THEN
    RAISE EXCEPTION 'the gate is not open: %', regexp_replace(problems, $re$[[:cntrl:]\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]$re$, '?', 'g');
  END IF;
END
$gate$;
