-- From now on this session reads no relation of the kinds :'kinds' except PostgreSQL's own; empty: any
-- (core/postgres/tables-only.ts). A server that does not have the setting, before 13.16, 14.13, 15.8 or 16.4, is left as it is.
-- not null: ignored
:begin
SELECT CASE WHEN current_setting('restrict_nonsystem_relation_kind', true) IS NOT NULL
            THEN set_config('restrict_nonsystem_relation_kind', :'kinds'::text, false) END AS ignored
:end
