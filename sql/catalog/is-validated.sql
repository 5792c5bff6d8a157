-- Whether a constraint is validated, as the catalog has it now; no row where it is no more.
-- not null: validated
:begin
SELECT c.convalidated AS validated FROM pg_constraint c WHERE c.oid = :'constraint_oid'::oid
:end
