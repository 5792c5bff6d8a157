-- The refusal of a script for the rows of catalog/untrusted-code.sql, :'untrusted'; empty where there are none.
-- not null: refusal
SELECT CASE WHEN count(*) = 0 THEN ''
            ELSE format('refused: reading %s and comparing its keys would run code with the rights of %s, which its owner has not got: %s; connect as that owner, or %s; %s',
                        :'referencing_oid'::oid::regclass, min(u.session_role), string_agg(format('%s of %s', u.code, u.owner), ', '), min(u.remedy), :'what_next'::text) END AS refusal
  FROM jsonb_to_recordset(:'untrusted'::jsonb) AS u(code text, owner text, session_role text, remedy text)
