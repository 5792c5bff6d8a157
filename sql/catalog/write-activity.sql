-- Rows that were written to the leaf partitions of :pairs, as the statistics of this server have it: inserts into the referencing
-- ones, deletes from the referenced ones, and since when they are counted (ISO 8601). From 15 on a database whose statistics were never
-- reset has no such time; then it is that of the server, which a crash sets anew.
-- not null: inserts, deletes, seconds, since
:begin
WITH pair AS (
  SELECT * FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
)
SELECT (SELECT coalesce(sum(pg_stat_get_tuples_inserted(leaf.oid)), 0)::float8
          FROM (SELECT DISTINCT p.referencing_oid AS oid FROM pair p) leaf)                 AS inserts,
       (SELECT coalesce(sum(pg_stat_get_tuples_deleted(leaf.oid)), 0)::float8
          FROM (SELECT DISTINCT p.referenced_oid AS oid FROM pair p) leaf)                  AS deletes,
       greatest(1, extract(epoch FROM clock_timestamp() - counted.since))::float8           AS seconds,
       to_char(counted.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')              AS since
  FROM (SELECT coalesce(pg_stat_get_db_stat_reset_time((SELECT oid FROM pg_database WHERE datname = current_database())),
                        pg_stat_get_bgwriter_stat_reset_time(), pg_postmaster_start_time()) AS since) counted
:end
