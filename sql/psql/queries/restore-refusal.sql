-- Why the parent FK cannot be restored.
SELECT CASE WHEN :'sqlstate' = '23503'
            THEN format('parent FK %s cannot come back: rows of %s have no row in %s; the pair foreign keys stay', :'constraint_name', :'table', :'referenced_table')
            WHEN :'sqlstate' = '42809'
            THEN format('parent FK %s cannot come back: a partition of %s is a foreign table, which can have no foreign key (%s); detach it and run the rollback again', :'constraint_name', :'table', :'failure')
            ELSE format('parent FK %s did not come back: %s; the pair foreign keys stay, run the rollback again', :'constraint_name', :'failure') END AS refusal,
       'RollbackFailed' AS error_name \gset
