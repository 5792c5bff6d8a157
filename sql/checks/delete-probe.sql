-- For each pair a DELETE of :'rows' rows on the REFERENCED side, where the cascade costs. PostgreSQL has no
-- DELETE ... LIMIT, so the rows are chosen by ctid; SKIP LOCKED, so it does not wait for rows that the application works
-- on. Always run inside a transaction that is rolled back.
-- `user_triggers` > 0: triggers of the application would fire (DELETE on the referenced side; what the cascade does on
-- the other), so the probe is not run there. tgtype: 8 is DELETE, 16 is UPDATE. Before 15 the clones of a trigger on the
-- partitions are marked as internal too, so what tells PostgreSQL's own is the constraint that they belong to.
:begin
SELECT p.pair,
       format('DELETE FROM ONLY %I.%I WHERE ctid = ANY (ARRAY(SELECT ctid FROM ONLY %I.%I LIMIT %s FOR UPDATE SKIP LOCKED))',
              n.nspname, b.relname, n.nspname, b.relname, :'rows'::int) AS sql,
       (SELECT count(*)::int FROM pg_trigger g
         WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.oid = g.tgconstraint AND c.contype <> 't')
           AND g.tgenabled <> 'D'
           AND (g.tgrelid = p.referenced_oid AND g.tgtype & 8 <> 0
                OR g.tgrelid = p.referencing_oid AND g.tgtype & 24 <> 0)) AS user_triggers
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN pg_class b ON b.oid = p.referenced_oid
  JOIN pg_namespace n ON n.oid = b.relnamespace
 ORDER BY p.pair
:end
