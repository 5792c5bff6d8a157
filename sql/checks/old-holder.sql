-- Whether a wait for ACCESS EXCLUSIVE on one of these relations would most likely be in vain: a transaction, or a prepared one,
-- holds a lock there and is older than :'seconds'. If this role may not see another's transactions, the answer is false.
-- not null: in_vain
:begin
SELECT EXISTS (
  SELECT FROM pg_locks l
    LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    LEFT JOIN (SELECT t.virtualtransaction, x.prepared
                 FROM pg_locks t JOIN pg_prepared_xacts x ON x.transaction = t.transactionid
                WHERE t.pid IS NULL AND t.locktype = 'transactionid' AND t.granted) x ON l.pid IS NULL AND x.virtualtransaction = l.virtualtransaction
   WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND l.relation IN (SELECT r.oid::oid FROM jsonb_array_elements_text(:'relations'::jsonb) r(oid))
     AND coalesce(a.xact_start, x.prepared) < clock_timestamp() - make_interval(secs => :'seconds'::float8)
) AS in_vain
:end
