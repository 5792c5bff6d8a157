-- The session that runs a long statement on :'object', the oid of a table or constraint. No row, or NULL: none does.

:begin
SELECT p2pfk.key_holder(r.key) AS pid FROM p2pfk.running r WHERE r.object = :'object'::oid
:end
