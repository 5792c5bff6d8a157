-- Whether reading the table :read_oid, with all of its partitions, and the referenced one would run code of a role that does not
-- have this session's rights: then :refused is set, and :refusal names it. Checked again before each long read, because the owner
-- may have added an index meanwhile.
\set root_oid :referencing_oid
\set referencing_oid :read_oid
\set file ../../catalog/untrusted-code.sql
\ir rows.sql
\set referencing_oid :root_oid
SELECT :'result'::jsonb <> '[]' AS refused,
       format('refused: reading %s and comparing its keys would run code with the rights of %s, which its owner has not got: %s; connect as that owner, or %s',
              :'read_oid'::oid::regclass, min(u ->> 'session_role'), string_agg(format('%s of %s', u ->> 'code', u ->> 'owner'), ', '), min(u ->> 'remedy')) AS refusal
  FROM jsonb_array_elements(:'result'::jsonb) u \gset
