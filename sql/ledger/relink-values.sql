-- Passes values to relink.sql, which is one statement without parameters. Until the end of the transaction.
-- not null: ignored, relinked
:begin
SELECT set_config('p2pfk.link', jsonb_build_object('cluster', nullif(:'system_identifier'::text, ''), 'oid', :'database_oid'::bigint,
                                                   'name', :'database_name'::text, 'endpoint', :'endpoint'::text)::text, true) AS ignored,
       set_config('p2pfk.relinked', 'false', true) AS relinked
:end
