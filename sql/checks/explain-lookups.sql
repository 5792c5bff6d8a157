-- Explains the generic plan of each lookup of the setting p2pfk.lookups (rows of delete-lookups.sql); the setting
-- p2pfk.lookup_plans then holds, for each constraint, the parts of its plan that have an Index Cond, or the SQLSTATE.
--
-- EXPLAIN runs no query. A generic plan has no values of the key, so the planner cannot evaluate anything with one either.
-- enable_seqscan = off: a small or empty table would be scanned, however well its index serves when it has grown. Each lookup is
-- explained in a subtransaction that is always rolled back: that undoes the settings and the ACCESS SHARE locks on partition and
-- indexes, so that a thousand pairs need no more of the lock table than one. It does not undo a prepared statement, hence
-- DEALLOCATE. Changes nothing, runs on a standby.
DO $explain$
DECLARE
  lookup record;
  plan jsonb;
  plans jsonb[] := '{}';
  state text;
  -- Nor a view or a foreign table that took the name: see core/postgres/tables-only.ts.
  restricts boolean := current_setting('restrict_nonsystem_relation_kind', true) IS NOT NULL;
BEGIN
  FOR lookup IN SELECT * FROM jsonb_to_recordset(current_setting('p2pfk.lookups')::jsonb)
                                AS l(constraint_oid bigint, referencing_oid oid, types text, nulls text, sql text, lock_sql text) LOOP
    state := '';
    plan := NULL;
    BEGIN
      PERFORM set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
              set_config('enable_indexscan', 'on', true), set_config('enable_bitmapscan', 'on', true),
              set_config('max_parallel_workers_per_gather', '0', true);
      IF restricts THEN
        PERFORM set_config('restrict_nonsystem_relation_kind', 'view, foreign-table', true);
      END IF;
      -- A name may belong to another table by now (not-locked.sql); behind this lock it cannot change any more.
      EXECUTE lookup.lock_sql;
      IF NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.granted AND l.locktype = 'relation' AND l.relation = lookup.referencing_oid) THEN
        RAISE EXCEPTION USING ERRCODE = 'P2F04', MESSAGE = 'another table has the name of this partition now';
      END IF;
      EXECUTE format('PREPARE p2pfk_lookup (%s) AS %s', lookup.types, lookup.sql);
      -- A cost that is infinite, by statistics that another role may write, is no JSON: an error of this subtransaction.
      EXECUTE format('EXPLAIN (FORMAT JSON) EXECUTE p2pfk_lookup (%s)', lookup.nulls) INTO plan;
      RAISE EXCEPTION USING ERRCODE = 'P2F02';
    EXCEPTION
      WHEN SQLSTATE 'P2F02' THEN NULL;
      WHEN OTHERS THEN state := SQLSTATE;
    END;
    IF EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'p2pfk_lookup') THEN
      EXECUTE 'DEALLOCATE p2pfk_lookup';
    END IF;
    plans := plans || jsonb_build_object(
      'constraint_oid', lookup.constraint_oid, 'sqlstate', state, 'rows', plan -> 0 -> 'Plan' -> 'Plan Rows',
      'indexes', coalesce((SELECT jsonb_agg(DISTINCT jsonb_build_object('name', n -> 'Index Name', 'condition', n -> 'Index Cond'))
                             FROM jsonb_path_query(plan, '$.** ? (exists (@."Index Cond"))') n
                            WHERE jsonb_typeof(n) = 'object'), '[]'));
  END LOOP;
  PERFORM set_config('p2pfk.lookup_plans', to_jsonb(plans)::text, false);
END
$explain$;
