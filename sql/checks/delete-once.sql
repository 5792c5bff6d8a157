-- The DELETE of the probe, in a subtransaction that is always rolled back. The setting p2pfk.delete_probe has its statements
-- (delete-probe.sql); the caller has set statement_timeout and lock_timeout. p2pfk.delete_probed then has the result: found (rows
-- examined), deleted, took_ms (the DELETE alone), and the SQLSTATE and message of an error.
DO $delete$
DECLARE
  job jsonb := current_setting('p2pfk.delete_probe')::jsonb;
  began timestamptz := clock_timestamp();
  chosen tid[];
  found_rows bigint := 0;
  deleted bigint := 0;
  took float8;
  seqscan text := current_setting('enable_seqscan');
  state text := '';
  message text := '';
BEGIN
  BEGIN
    -- The index is there, as the plan has proved: a partition that has grown since its last ANALYZE is not to be scanned.
    PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);
    -- Nor a view or a foreign table that took the name: see core/postgres/tables-only.ts.
    IF current_setting('restrict_nonsystem_relation_kind', true) IS NOT NULL THEN
      PERFORM set_config('restrict_nonsystem_relation_kind', 'view, foreign-table', true);
    END IF;
    EXECUTE job ->> 'choose' INTO found_rows, chosen;
    PERFORM set_config('enable_seqscan', seqscan, true);
    IF chosen IS NOT NULL THEN
      began := clock_timestamp();
      EXECUTE job ->> 'delete' USING chosen;
      GET DIAGNOSTICS deleted = ROW_COUNT;
      -- A deferred foreign key does its work here, not at the DELETE. It alone: ALL would fire all that this session defers,
      -- before 18 as the role of this session. It is looked at again, as the DELETE may have run more than we know of.
      IF job ->> 'fire' IS NOT NULL
         AND NOT EXISTS (SELECT FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
                          WHERE c.contype = 't' AND format('SET CONSTRAINTS %I.%I IMMEDIATE', n.nspname, c.conname) = job ->> 'fire') THEN
        EXECUTE job ->> 'fire';
      END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'P2F02';
  EXCEPTION
    WHEN SQLSTATE 'P2F02' THEN NULL;
    WHEN OTHERS OR query_canceled THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
  END;
  took := extract(epoch FROM clock_timestamp() - began) * 1000;
  PERFORM set_config('p2pfk.delete_probed',
                     jsonb_build_object('found', found_rows, 'deleted', CASE WHEN state = '' THEN deleted ELSE 0 END,
                                        'took_ms', took,
                                        'sqlstate', state, 'message', message)::text, false);
END
$delete$;
