-- Whether any foreign key of the partition itself leads from one partition to the other. If none does, there is no pair FK; if
-- one does, pair-states.sql decides whether it is the pair FK. One index lookup, so that it can be asked under the locks of a
-- pair.
-- not null: possible
:begin
SELECT EXISTS (SELECT 1 FROM pg_constraint c
                WHERE c.conrelid = :'referencing_oid'::oid AND c.confrelid = :'referenced_oid'::oid
                  AND c.contype = 'f' AND c.conparentid = 0) AS possible
:end
