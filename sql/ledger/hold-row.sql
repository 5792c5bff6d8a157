-- Takes the lock on the migration's row that a later UPDATE in this transaction needs, before it asks for locks on the tables: an approver may
-- lock that row (FOR SHARE), and would else keep the application waiting behind the locks on the tables for the whole lock budget.
-- No row: it is gone.
-- not null: held
:begin
SELECT m.id AS held FROM p2pfk.migration m WHERE m.id = :'migration_id'::bigint FOR NO KEY UPDATE
:end
