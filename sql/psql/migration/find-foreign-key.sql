-- Finds the foreign key that :table and :constraint name, for :purpose (migrate, continue, verify, rollback), as
-- core/catalog/foreign-key.ts does; or refuses. Afterwards the variables have the names of the parameters of sql/:
-- referencing_oid, referenced_oid, constraint_name, definition, columns, ..., and:
--   constraint_oid   the parent FK's while it exists, else empty
--   migration_id     the open migration in the ledger, else empty; migration_state with it
--   found            false where there is nothing to roll back: the parent FK exists and no migration is open
SELECT jsonb_build_array(format('SELECT pg_catalog.to_regclass(%L)', :'table')) AS statements \gset
\set as_caller true
\ir ../control/attempt.sql
\if :failed
SELECT CASE WHEN :'sqlstate' IN ('42602', '42601', '0A000')
            THEN format('"%s" is not a table name as SQL writes it: %s', :'table', :'failure')
            ELSE :'failure' END AS refusal \gset
\ir ../control/refuse.sql
\endif

-- What a name means, the caller's search_path decides.
SELECT set_config('search_path', current_setting('p2pfk.caller_search_path'), false) AS ignored \gset
\ir ../../catalog/resolve-table.sql
SET search_path = pg_catalog, pg_temp;
\set file ../../catalog/other-tables-of-that-name.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb <> '[]' AS refused,
       format('table %s leads to %s, which stands in front %s: name it with its schema', :'table', :'result'::jsonb -> 0 ->> 'found',
              coalesce('of ' || (:'result'::jsonb -> 0 ->> 'others'), 'in a schema with the name of your role')) AS refusal \gset
\if :refused
\ir ../control/refuse.sql
\endif
\set file ../../catalog/foreign-keys.sql
\ir ../control/rows.sql
\set standing :result
-- Made since the script began?
\ir ../control/ledger.sql
\set open '[]'
\if :readable
\ir ../control/link.sql
\set file ../../ledger/open-migrations.sql
\ir ../control/rows.sql
\set open :result
-- A table of that oid, but of another name: was it renamed, or is it another one?
SELECT coalesce(min(o ->> 'id'), '') AS migration_id, count(*) > 0 AS is_renamed
  FROM jsonb_array_elements(:'open'::jsonb) o
 WHERE o ->> 'table_name' <> coalesce(:'standing'::jsonb -> 0 ->> 'table_name', '') \gset
\if :is_renamed
\ir ../../ledger/unmatched.sql
SELECT :'unmatched' <> '' AS refused,
       format('refused, nothing was changed: the ledger does not fit this database: %s; -v relink=on looks for them by name, and compares them first', :'unmatched') AS refusal \gset
\if :refused
\ir ../control/refuse.sql
\endif
\endif
\endif

\ir ../queries/choose-foreign-key.sql
SELECT :'purpose' = 'rollback' AND NOT :'found'::boolean AND :table_oid <> 0 AS looks_for_pairs \gset
\if :looks_for_pairs
\set file ../../catalog/migrated-foreign-keys.sql
\ir ../control/rows.sql
\set shapes :result
\set has_entries false
\if :readable
SELECT EXISTS (SELECT FROM p2pfk.migration m WHERE m.table_oid = :table_oid) AS has_entries \gset
\endif
\ir ../queries/lost-ledger.sql
\endif
\if :unknown
\set file ../../catalog/migrated-foreign-keys.sql
\ir ../control/rows.sql
\set shapes :result
\ir ../queries/choose-migrated.sql
\set found true
\endif
\if :refused
\ir ../control/refuse.sql
\endif
\if :found
\else
\q
\endif
\if :stands
\set file ../../catalog/foreign-key-shape.sql
\ir ../control/rows.sql
SELECT :'fk'::jsonb || (:'result'::jsonb -> 0) AS fk \gset
\endif

SELECT f.table_oid                       AS referencing_oid,
       f.referenced_oid,
       f.table_name                      AS "table",
       f.referenced_name                 AS referenced_table,
       coalesce(f.constraint_name, '')   AS constraint_name,
       f.definition, f.columns, f.referenced_columns, f.column_names, f.referenced_column_names, f.actions,
       coalesce(f.comment, '')           AS comment,
       coalesce(f.firing, '[]')          AS firing,
       NOT coalesce(f.understood, true)  AS refused,
       format('foreign key %I of %s has a definition that this version of p2pfk does not understand: %s',
              coalesce(f.constraint_name, ''), f.table_name, f.definition) AS refusal,
       coalesce(substring(f.table_name FROM '^(?:"(?:[^"]|"")*"|[^".]+)\.'), '') AS schema
  FROM jsonb_to_record(:'fk'::jsonb)
       AS f(table_oid oid, table_name text, referenced_oid oid, referenced_name text, constraint_name text, definition text,
            columns text, referenced_columns text, column_names jsonb, referenced_column_names jsonb, actions text,
            comment text, firing jsonb, understood boolean) \gset
\if :refused
\ir ../control/refuse.sql
\endif
-- These texts become part of statements. Where they come from the ledger, they have to be what p2pfk writes there: a member of
-- pg_write_all_data can write to any table. The same patterns are in core/ledger/foreign-key-texts.ts, and a test compares them.
SELECT NOT (:'definition' ~ $re$^FOREIGN KEY \((?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")(?:, (?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+"))*\) REFERENCES (?:(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")\.)?(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")\((?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")(?:, (?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+"))*\)(?: MATCH (?:FULL|PARTIAL))?(?: ON UPDATE (?:NO ACTION|RESTRICT|CASCADE|SET NULL|SET DEFAULT))?(?: ON DELETE (?:NO ACTION|RESTRICT|CASCADE|SET NULL|SET DEFAULT)(?: \((?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")(?:, (?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+"))*\))?)?(?: DEFERRABLE)?(?: INITIALLY DEFERRED)?(?: NOT ENFORCED)?$$re$
            AND :'columns' ~ $re$^(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")(?:, (?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+"))*$$re$ AND :'referenced_columns' ~ $re$^(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")(?:, (?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+"))*$$re$
            AND :'actions' ~ $re$^(?: MATCH (?:FULL|PARTIAL))?(?: ON UPDATE (?:NO ACTION|RESTRICT|CASCADE|SET NULL|SET DEFAULT))?(?: ON DELETE (?:NO ACTION|RESTRICT|CASCADE|SET NULL|SET DEFAULT)(?: \((?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")(?:, (?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+"))*\))?)?(?: DEFERRABLE)?(?: INITIALLY DEFERRED)?(?: NOT ENFORCED)?$$re$) AS refused,
       'refused, nothing was changed: the definition of this foreign key in the ledger, schema p2pfk, is not as p2pfk writes it: find out who changed it before you go on (superusers, the ledger''s owner and members of pg_write_all_data can)' AS refusal \gset
\if :refused
\ir ../control/refuse.sql
\endif
SELECT :'purpose' = 'rollback' AS goes_back \gset
\if :goes_back
\set file ../../catalog/other-target.sql
\ir ../control/rows.sql
SELECT :'result'::jsonb <> '[]' AS refused,
       format('refused: the ledger, schema p2pfk, says that %s referenced %s, and the foreign keys of its partitions reference %s: find out who changed it before you go on (superusers, the ledger''s owner and, before version 3, members of pg_write_all_data can)',
              :'table', :'referenced_table', string_agg(o ->> 'other', ', ')) AS refusal
  FROM jsonb_array_elements(:'result'::jsonb) o \gset
\if :refused
\ir ../control/refuse.sql
\endif
\endif
\set read_oid :referencing_oid
\ir ../control/untrusted-code.sql
\if :refused
\ir ../control/refuse.sql
\endif
-- Names as people read them: without the schema where it is the table's own, and without control characters.
SELECT regexp_replace(CASE WHEN starts_with(:'table', :'schema') THEN substr(:'table', length(:'schema') + 1)
                           ELSE :'table' END, :'unprintable', '?', 'g') AS table_label,
       regexp_replace(:'constraint_name', :'unprintable', '?', 'g') AS constraint_label,
       regexp_replace(CASE WHEN starts_with(:'referenced_table', :'schema') THEN substr(:'referenced_table', length(:'schema') + 1)
                           ELSE :'referenced_table' END, :'unprintable', '?', 'g') AS referenced_label \gset
SELECT regexp_replace(replace(:'definition', format('FOREIGN KEY (%s) REFERENCES %s(', :'columns', :'referenced_table'),
                              format('FOREIGN KEY (%s) REFERENCES %s(', :'columns', :'referenced_label')),
                      :'unprintable', '?', 'g') AS definition_label \gset
