-- The statements with which a script of plan --sql opens a migration in the ledger: `migration` and `pairs`. Tables are named,
-- because the oids are those of the database in which the script runs. The migration is opened as paused, so that p2pfk migrate
-- may take it over where the script stops.
-- not null: migration
-- may be null: comment
:begin
SELECT format(E'INSERT INTO p2pfk.migration (table_oid, table_name, referenced_oid, referenced_name, constraint_name, definition, comment,\n'
           || E'    columns, referenced_columns, column_names, referenced_column_names, actions, state, execution, options, firing)\n'
           || E'  VALUES (%1$L::regclass, %1$L, %2$L::regclass, %2$L, %3$L, %4$L, %5$L,\n    %6$L, %7$L, %8$L, %9$L, %10$L, ''paused'', :''execution'', %11$L, jsonb_build_array(%12$s))',
              :'table'::text, :'referenced_table'::text, :'constraint_name'::text, :'definition'::text, nullif(:'comment'::text, ''),
              :'columns'::text, :'referenced_columns'::text, :'column_names'::jsonb, :'referenced_column_names'::jsonb, :'actions'::text,
              :'options'::jsonb,
              (SELECT string_agg(format('jsonb_build_object(''relation'', %L::regclass::oid::bigint, ''kind'', %L)', format('%I.%I', n.nspname, c.relname), f.kind), ', ' ORDER BY n.nspname, c.relname, f.kind)
                 FROM jsonb_to_recordset(:'firing'::jsonb) AS f(relation oid, kind text)
                 JOIN pg_class c ON c.oid = f.relation JOIN pg_namespace n ON n.oid = c.relnamespace)) AS migration,
       (SELECT E'INSERT INTO p2pfk.pair (migration_id, pair, referencing_oid, referencing, referenced_oid, referenced, bound, rows, bytes,\n'
            || E'    constraint_name, index_name, root_constraint)\n  VALUES\n'
            || string_agg(format('    (:migration_id, %1$s, %2$L::regclass, %2$L, %3$L::regclass, %3$L, %4$L, %5$s, %6$s, %7$L, %8$L, %9$L)',
                                 p.pair, p.referencing, p.referenced, p.bound, p.rows, p.bytes, p.constraint_name, p.index_name, p.root_constraint), E',\n' ORDER BY p.pair)
          FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing text, referenced text, bound text, rows bigint, bytes bigint,
                                                        constraint_name text, index_name text, root_constraint text)) AS pairs
:end
