-- Why a lock was not granted, in the words of core/lock-budget.ts: who holds it (:'result', from checks/lock-holders.sql).
-- Lost races are tried again, with full jitter up to 8 s: 55P03, a deadlock, and 57014 when it came after the whole budget
-- (then it is our own statement_timeout; before, somebody cancelled us).
WITH holder AS (
  SELECT h.*, h.n = 1 AS is_first
    FROM jsonb_array_elements(:'result'::jsonb) WITH ORDINALITY e(value, n),
         LATERAL (SELECT e.n, r.* FROM jsonb_to_record(e.value) AS r(pid int, "user" text, application text, state text, since text, mode text, relation text, query text)) h
), words AS (
  SELECT coalesce((
           SELECT format('%s on %s is held by pid %s (%s%s), %s since %s%s%s', f.mode, f.relation, f.pid,
                         coalesce(f.user, 'a background process'), ', ' || f.application, coalesce(f.state, 'state unknown'),
                         coalesce(f.since, 'an unknown time'), ': ' || nullif(f.query, ''),
                         (SELECT format(' (and %s more session%s)', count(DISTINCT o.pid), CASE WHEN count(DISTINCT o.pid) > 1 THEN 's' ELSE '' END)
                            FROM holder o WHERE o.pid <> f.pid HAVING count(*) > 0))
             FROM holder f WHERE f.is_first), 'whoever held it has gone by now') AS who,
         :'sqlstate' IN ('55P03', '40P01') OR :'sqlstate' = '57014' AND :took_ms >= :lock_timeout_ms * 0.9 AS lost
)
SELECT w.message,
       CASE WHEN NOT w.lost THEN 'StatementFailed' WHEN :'sqlstate' = '40P01' THEN 'DeadlockDetected' ELSE 'LockTimeout' END AS error_name,
       NOT w.lost OR :attempt_number >= :lock_tries                     AS gives_up,
       :attempt_number & (:attempt_number - 1) = 0                      AS told,  -- the 1st, 2nd, 4th, 8th ... failure
       round((random() * least(8, 0.25 * 2 ^ :attempt_number))::numeric, 3) AS pause_s,
       :'pair' <> ''                                                    AS of_a_pair,
       jsonb_build_object('attempts', 1, 'lock_wait_ms', :took_ms, 'last_error', w.message) AS changes
  FROM (SELECT lost, CASE WHEN NOT lost THEN format('%s: %s', :'step', :'failure')
                          ELSE format('no lock within %s ms for %s: %s%s', :'lock_timeout_ms', :'step', who,
                                      CASE WHEN :attempt_number >= :lock_tries
                                           THEN format(' (given up after %s tries: run the script again)', :attempt_number) ELSE '' END) END AS message
          FROM words) w \gset
