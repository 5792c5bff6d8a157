-- Standbys that stream from this server, or Aurora readers (:'aurora', checks/aurora-replicas.sql): an ACCESS EXCLUSIVE lock is
-- replayed there. A logical walsender feeds no standby; it always works on a logical slot. pg_receivewal and pg_basebackup report
-- no replay. Without pg_read_all_stats a role sees that there are walsenders but not of which kind: that is reported, and not
-- taken for none. Standbys that another standby feeds, or that restore from an archive, cannot be seen here. :'readers' are those
-- that are asked before such a lock (core/checks/readers.ts), each with its max_standby_streaming_delay; '[]' in psql.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
WITH walsender AS (
  SELECT w.application_name, w.client_addr, w.state, w.replay_lsn IS NOT NULL AS replays
    FROM pg_stat_replication w
   WHERE NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = w.pid AND s.slot_type = 'logical')
), asked AS (
  SELECT r.* FROM jsonb_to_recordset(:'readers'::jsonb) AS r(name text, streaming_delay text)
), seen AS (
  SELECT count(*) FILTER (WHERE w.replays AND w.state IN ('catchup', 'streaming')) AS standbys,
         string_agg(concat(coalesce(nullif(w.application_name, ''), 'no name'), ' (' || host(w.client_addr) || ')'), ', ' ORDER BY w.application_name, w.client_addr)
           FILTER (WHERE w.replays AND w.state IN ('catchup', 'streaming')) AS standby_names,
         count(*) FILTER (WHERE w.state IS NULL) AS hidden,
         jsonb_array_length(:'aurora'::jsonb) AS aurora,
         (SELECT string_agg(a ->> 'server_id', ', ' ORDER BY a ->> 'server_id') FROM jsonb_array_elements(:'aurora'::jsonb) a) AS aurora_names,
         (SELECT count(*) FROM asked) AS asked,
         (SELECT string_agg(format('%s %s', a.name, CASE a.streaming_delay WHEN '-1' THEN 'for as long as it takes' ELSE a.streaming_delay END), ', ' ORDER BY a.name)
            FROM asked a) AS asked_delays
    FROM walsender w
)
SELECT 'standby-readers' AS id, CASE WHEN s.hidden = 0 AND s.asked >= s.standbys + s.aurora THEN 'info' ELSE 'warning' END AS severity, false AS needs_acceptance,
       concat_ws('; ',
         CASE WHEN s.standbys = 1 THEN format('a standby streams from this server: %s', s.standby_names)
              WHEN s.standbys > 1 THEN format('%s standbys stream from this server: %s', s.standbys, s.standby_names) END,
         CASE WHEN s.aurora > 0 THEN format('the Aurora cluster has readers: %s', s.aurora_names) END,
         CASE WHEN s.hidden > 0 THEN format('replication is at work (%s connection(s)), and this role may not see whether it feeds standbys', s.hidden) END,
         'the ACCESS EXCLUSIVE locks of a rehearsal, of the drop and of a rollback are replayed on a standby: if a session there has read one of the tables in a transaction that is still open, new readers wait until it ends or is canceled',
         CASE WHEN s.asked > 0 THEN format('these are asked first whether they are free, and a replay waits there at most (max_standby_streaming_delay): %s', s.asked_delays) END,
         CASE WHEN s.hidden > 0 OR s.asked < s.standbys + s.aurora
              THEN format('how long %s is max_standby_streaming_delay of that standby (30 s unless it was changed), which cannot be seen from the primary',
                          CASE WHEN s.asked > 0 THEN 'at any other' ELSE 'at most' END) END) AS message,
       CASE WHEN s.hidden > 0 THEN 'GRANT pg_monitor to the migrating role, and name each standby that people read from with --reader'
            WHEN s.asked < s.standbys + s.aurora THEN 'name each standby that people read from with --reader: before each such lock it is asked for transactions that hold locks on the tables for longer than the lock budget'
            ELSE 'nothing to do: a reader that is in use is a lock that is not free' END AS remedy
  FROM seen s
 WHERE s.standbys + s.hidden + s.aurora + s.asked > 0
:end
