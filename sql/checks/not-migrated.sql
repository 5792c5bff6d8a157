-- Why there is nothing to verify: the parent FK exists, and no pair has a foreign key. SQL NULL where there is something.

:begin
SELECT CASE WHEN :'constraint_oid' <> '' AND count(p.constraint_oid) = 0
            THEN format('%s is not migrated, and there is nothing to verify: its foreign key %I to %s is there, and no partition has a foreign key of its own%s',
                        :'table'::text, :'constraint_name'::text, :'referenced_table'::text,
                        CASE WHEN :'migration_id' <> '' THEN format(' (migration %s has not come that far)', :'migration_id') ELSE '' END) END AS refusal
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(constraint_oid oid)
:end
