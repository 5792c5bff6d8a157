-- Those of :'constraints' that are not what was meant. A statement can only name its constraint, and the owner of the table may have
-- dropped that meanwhile and given its name to another one, which references a table of its own. Each was chosen by its oid, or (oid
-- null) is made by an earlier statement; in any case it is a foreign key of `relation_oid` that references `referenced_oid`. Behind a
-- lock on `relation_oid` that is SHARE UPDATE EXCLUSIVE or stronger this stays so, because dropping, adding and renaming a constraint
-- need a lock that conflicts with it.
-- not null: name
:begin
SELECT k.name
  FROM jsonb_to_recordset(:'constraints'::jsonb) AS k(oid oid, name name, relation_oid oid, referenced_oid oid)
 WHERE NOT EXISTS (SELECT FROM pg_constraint c
                    WHERE c.conrelid = k.relation_oid AND c.conname = k.name AND c.contype = 'f' AND c.confrelid = k.referenced_oid
                      AND (k.oid IS NULL OR c.oid = k.oid))
:end
