-- Whether any foreign key of its own leads from one partition to the other. Where none does, there is no pair FK; where one does,
-- pair-states.sql says whether it is that. One index look-up, so that it can be asked under the locks of a pair.
-- not null: possible
:begin
SELECT EXISTS (SELECT 1 FROM pg_constraint c
                WHERE c.conrelid = :'referencing_oid'::oid AND c.confrelid = :'referenced_oid'::oid
                  AND c.contype = 'f' AND c.conparentid = 0) AS possible
:end
