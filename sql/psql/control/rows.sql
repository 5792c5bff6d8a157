-- Runs the query of :file (its path is relative to this folder) and stores its rows as a JSON list in :result, in their order.
\set begin 'WITH q AS ('
\set end ') SELECT coalesce(jsonb_agg(to_jsonb(q)), ''[]'') AS result FROM q \\gset'
\ir :file
\set begin ''
\set end '\\gset'
