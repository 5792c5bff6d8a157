-- Why a lock was not granted, with the messages of core/steps/locks/lock-budget.ts: who holds it (:'result', from
-- checks/lock-holders.sql). These errors are retried, with full jitter up to 8 s: 55P03, a deadlock, and 57014 after the whole
-- wait (then it is our own statement_timeout; earlier, another session cancelled us).
WITH holder AS (
  SELECT h.*, row_number() OVER (ORDER BY h.autovacuum = 'wraparound' DESC NULLS LAST, h.n) = 1 AS is_first
    FROM jsonb_array_elements(:'result'::jsonb) WITH ORDINALITY e(value, n),
         LATERAL (SELECT e.n, r.* FROM jsonb_to_record(e.value) AS r(pid int, "user" text, application text, state text, since text, mode text, relation text, relation_oid oid, autovacuum text, query text)) h
), words AS (
  SELECT coalesce((
           SELECT format('%s on %s is held by %s since %s%s%s', f.mode, f.relation,
                         CASE WHEN f.pid = 0 THEN format('a prepared transaction of %s (see pg_prepared_xacts; COMMIT PREPARED or ROLLBACK PREPARED ends it)',
                                                         coalesce(f.user, 'an unknown role'))
                              ELSE format('pid %s (%s%s), %s', f.pid, CASE f.autovacuum WHEN 'ordinary' THEN 'autovacuum'
                                            WHEN 'wraparound' THEN 'an autovacuum that prevents transaction ID wraparound, and is never cancelled: let it end'
                                            ELSE coalesce(f.user, 'a background process') END, ', ' || f.application, coalesce(f.state, 'state unknown')) END,
                         coalesce(f.since, 'an unknown time'), ': ' || nullif(f.query, ''),
                         (SELECT format(' (and %s more session%s)', count(DISTINCT o.pid), CASE WHEN count(DISTINCT o.pid) > 1 THEN 's' ELSE '' END)
                            FROM holder o WHERE o.pid <> f.pid HAVING count(*) > 0))
             FROM holder f WHERE f.is_first), 'the session that held it has gone by now') AS who,
         :'sqlstate' IN ('55P03', '40P01') OR :'sqlstate' = '57014' AND :took_ms >= :limit_ms * 0.9 AS lost
)
SELECT w.message,
       CASE WHEN NOT w.lost THEN 'StatementFailed' WHEN :'sqlstate' = '40P01' THEN 'DeadlockDetected' ELSE 'LockTimeout' END AS error_name,
       NOT w.lost OR :attempt_number >= :lock_tries                     AS gives_up,
       :attempt_number & (:attempt_number - 1) = 0                      AS told,  -- the 1st, 2nd, 4th, 8th ... failure
       round((random() * w.pause_s)::numeric, 3)                        AS pause_s,
       round(w.pause_s::numeric, 1)                                     AS next_s,
       -- One at a time: the next refusal finds the next one.
       (SELECT jsonb_build_array(min(h.relation_oid::bigint)) FROM holder h WHERE h.autovacuum = 'ordinary') AS relations,
       w.lost AND EXISTS (SELECT FROM holder h WHERE h.autovacuum = 'ordinary') AS autovacuum_stands,
       :'pair' <> ''                                                    AS of_a_pair,
       jsonb_build_object('attempts', 1, 'lock_wait_ms', :took_ms, 'last_error', w.message) AS changes
  FROM (SELECT lost, least(8, 0.25 * 2 ^ :attempt_number) AS pause_s,
               CASE WHEN NOT lost THEN format('%s: %s', :'step', :'failure')
                          ELSE format('no lock within %s ms for %s: %s%s', :'lock_timeout_ms', :'step', who,
                                      CASE WHEN :attempt_number >= :lock_tries
                                           THEN format(' (given up after %s tries: run the script again)', :attempt_number) ELSE '' END) END AS message
          FROM words) w \gset
