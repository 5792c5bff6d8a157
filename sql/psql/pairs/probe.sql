-- One pair of the DELETE probe. The shorter lock_timeout tells a wait for the application's row locks from a DELETE that
-- scans; a deferred constraint does its work when it is made immediate.
SAVEPOINT delete_probe;
SELECT set_config('statement_timeout', greatest(2, ceil(:probe_ms))::text, true)  AS ignored,
       set_config('lock_timeout', greatest(1, ceil(:probe_ms / 2.0))::text, true) AS ignored,
       jsonb_build_array(:'pairs'::jsonb -> 0 ->> 'sql', 'SET CONSTRAINTS ALL IMMEDIATE') AS statements \gset
\set as_caller true
\ir ../control/attempt.sql
ROLLBACK TO SAVEPOINT delete_probe;
-- Class 23: NO ACTION and RESTRICT refuse the DELETE of a referenced row, SET NULL and SET DEFAULT may. The look-up that
-- costs has been done all the same.
SELECT :'more'::boolean AND NOT :'failed'::boolean AND :affected = 0 AS more,
       :'failed'::boolean OR :affected > 0 AS known,
       CASE WHEN NOT :'failed'::boolean OR :'sqlstate' LIKE '23%' THEN '' ELSE :'sqlstate' END AS probe_sqlstate,
       :took_ms <= 1000 AS fast,
       CASE WHEN :'sqlstate' LIKE '23%' THEN 'A DELETE was refused, as the foreign key says, in '
            ELSE format('Deleted %s rows in ', :affected) END
         || to_char(make_interval(secs => :took_ms / 1000), 'HH24:MI:SS.MS') AS detail \gset
\if :known
\set check4 :fast
\set detail4 :detail
\endif
