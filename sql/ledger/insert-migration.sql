-- Opens a migration. The unique index migration_open makes a second one for the same constraint fail with 23505.
-- not null: id
-- may be null: comment, liveness_key
:begin
INSERT INTO p2pfk.migration (table_oid, table_name, referenced_oid, referenced_name, constraint_name, definition, comment,
                             columns, referenced_columns, column_names, referenced_column_names, actions,
                             state, execution, options, firing, liveness_key, endpoint, started_by, reason)
VALUES (:'referencing_oid'::oid, :'table'::text, :'referenced_oid'::oid, :'referenced_table'::text,
        :'constraint_name'::text, :'definition'::text, nullif(:'comment'::text, ''),
        :'columns'::text, :'referenced_columns'::text,
        :'column_names'::jsonb, :'referenced_column_names'::jsonb, :'actions'::text,
        'running', :'execution'::text,
        :'options'::jsonb || jsonb_build_object('starters', jsonb_build_array(
                               jsonb_build_object('login', session_user, 'person', :'options'::jsonb ->> 'by'))),
        :'firing'::jsonb, :'liveness_key'::bigint, :'endpoint'::text, :'options'::jsonb ->> 'by', :'options'::jsonb ->> 'reason')
RETURNING id::text AS id
:end
