-- The form of the next try of lock.sql (core/postgres/locks/lock-wait.ts): NOWAIT or waiting, and for :limit_ms at most. A wait
-- leaves the work its forecast time, at least a tenth of the budget, and is shorter than deadlock_timeout. Needs the rows of
-- catalog/deadlock-timeout.sql and checks/old-holder.sql.
SELECT t.in_turns,
       CASE WHEN :'lock_nowait_first'::boolean AND NOT t.in_turns THEN :lock_timeout_ms ELSE greatest(1, t.wait_ms) END AS limit_ms,
       greatest(1, t.wait_ms) AS wait_ms,
       :attempt_number - 1    AS attempt
  FROM (SELECT w.wait_ms,
               :'lock_ways' <> ''
                 AND NOT (:'lock_nowait_first'::boolean
                          AND (:attempt_number = 1 OR w.wait_ms = 0 OR (:attempt_number - 1) % 4 <> 0 AND :'in_vain'::boolean)) AS in_turns
          FROM (SELECT greatest(0, floor(least(:lock_timeout_ms - greatest(:lock_held_ms, :lock_timeout_ms * 0.1),
                                               :deadlock_timeout_ms * 0.9)))::int AS wait_ms) w) t \gset
