-- Notes the LOCK TABLE and what has run under it (:ran) in the ledger, with the locks that are held, and commits. Then :held_ms
-- is set, and the time for which others were blocked at most: from the request of the locks on, because later requests queue
-- behind it.
\ir limit.sql
SELECT p2pfk.record_transaction(:'migration_id'::bigint, :'execution', nullif(:'pair', '')::int, :'step',
                                jsonb_build_array(jsonb_build_object('sql', :'locked_by')) || :'ran'::jsonb,
                                extract(epoch FROM clock_timestamp() - :'lock_began_at'::timestamptz) * 1000) AS event_id \gset
\ir limit.sql
COMMIT;
\set locks_held false
SELECT extract(epoch FROM clock_timestamp() - :'locked_at'::timestamptz) * 1000 AS held_ms,
       extract(epoch FROM clock_timestamp() - :'lock_began_at'::timestamptz) * 1000 AS blocked_ms \gset
\ir ../../ledger/note-held.sql
\set blocked_ms ''
