-- Whether a constraint is validated, in the catalog as it is now. No row: it does not exist any more.
-- not null: validated
:begin
SELECT c.convalidated AS validated FROM pg_constraint c WHERE c.oid = :'constraint_oid'::oid
:end
