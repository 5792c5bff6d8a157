-- For each pair a DELETE of :'rows' rows on the REFERENCED side, where the cascade costs. PostgreSQL has no
-- DELETE ... LIMIT, so the rows are chosen by ctid; SKIP LOCKED, so it does not wait for rows that the application works
-- on. Always run inside a transaction that is rolled back.
-- `user_triggers` > 0: triggers of the application would fire (DELETE on the referenced side; what the cascade does on
-- the other), so the probe is not run there. tgtype: 8 is DELETE, 16 is UPDATE. Before 15 the clones of a trigger on the
-- partitions are marked as internal too, so what tells PostgreSQL's own is the constraint that they belong to.
-- pg_trigger is read once, not once a pair: this runs under the lock of the drop.
:begin
WITH own AS (
  SELECT g.tgrelid,
         count(*) FILTER (WHERE g.tgtype & 8 <> 0)::int  AS fired_by_delete,
         count(*) FILTER (WHERE g.tgtype & 24 <> 0)::int AS fired_by_cascade
    FROM pg_trigger g
   WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.oid = g.tgconstraint AND c.contype <> 't')
     AND g.tgenabled <> 'D'
   GROUP BY g.tgrelid
)
SELECT p.pair,
       format('DELETE FROM ONLY %I.%I WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT ctid FROM ONLY %I.%I LIMIT %s FOR UPDATE SKIP LOCKED))',
              n.nspname, b.relname, n.nspname, b.relname, :'rows'::int) AS sql,
       coalesce(d.fired_by_delete, 0) + coalesce(f.fired_by_cascade, 0) AS user_triggers
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid)
  JOIN pg_class b ON b.oid = p.referenced_oid
  JOIN pg_namespace n ON n.oid = b.relnamespace
  LEFT JOIN own d ON d.tgrelid = p.referenced_oid
  LEFT JOIN own f ON f.tgrelid = p.referencing_oid
 ORDER BY p.pair
:end
