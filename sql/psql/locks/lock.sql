-- Begins a transaction and takes the lock of :lock_sql in it: after checking the fence, and within at most :lock_timeout_ms in
-- all, including the work under the lock, which is forecast to take :lock_held_ms. :lock_allowed_ms is longer where the plan has
-- announced more. lock_timeout counts per lock, statement_timeout limits the sum. If it is refused, it tries again after a
-- pause, :lock_tries times in all; nothing is held meanwhile. With :lock_ways it asks in several orders (statements/lock-in-turns.sql), with :lock_nowait_first only from the
-- second try on. Also needs :enter (p2pfk.enter or p2pfk.enter_rollback), :step, :pair (empty for a step on the whole migration),
-- :subject (for messages), :lock_mode and :lock_relations (whose holders are reported), and :lock_named, the oids of the tables
-- that :lock_sql names: it gives up if their names led to other tables by the time that the lock was free. record.sql ends the
-- transaction.
\set attempt_number 1
\set ran '[]'
\ir try-lock.sql
\set locks_held true
\set lock_wait_ms :took_ms
SELECT set_config('p2pfk.locked_at', t.now::text, true) AS ignored, t.now AS locked_at,
       coalesce(nullif(current_setting('p2pfk.locked_by', true), ''), :'lock_sql') AS locked_by
  FROM (SELECT clock_timestamp() AS now) t \gset
\ir limit.sql
\set relations :lock_named
\set file ../../checks/not-locked.sql
\ir ../control/rows.sql
SELECT :'result' <> '[]' AS other_table \gset
\if :other_table
ROLLBACK;
\set error_name PartitionSetChanged
\set refusal 'refused, nothing was changed: a table was renamed while its lock was waited for, and its name belongs to another one now'
\ir ../control/give-up.sql
\endif
\set lock_ways ''
\set lock_held_ms 0
\set lock_nowait_first false
