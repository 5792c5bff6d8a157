-- Restores the parent FK without reading rows: PostgreSQL 18 and newer only (before, a partitioned referencing table cannot have
-- a NOT VALID foreign key).
-- Lock: SHARE ROW EXCLUSIVE on both partitioned tables and all of their partitions, for milliseconds.
-- Safe because: the pair FKs stay until this one is validated and verified.
--
-- The referenced table is named by its present name, not by the one in the ledger: another table may have got that name since.
-- not null: sql, lock
:begin
SELECT format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s NOT VALID', n.nspname, t.relname, :'constraint_name'::text, substring(:'definition'::text FROM $re$^FOREIGN KEY \((?:[^"()]|"(?:[^"]|"")*")*\) REFERENCES $re$) || format('%I.%I', rn.nspname, r.relname)
              || substring(:'definition'::text FROM $re$^FOREIGN KEY \((?:[^"()]|"(?:[^"]|"")*")*\) REFERENCES (?:[^"(]|"(?:[^"]|"")*")+(\(.*)$$re$)) AS sql,
       'SHARE ROW EXCLUSIVE on both tables and all partitions' AS lock
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_class r ON r.oid = :'referenced_oid'::oid
  JOIN pg_namespace rn ON rn.oid = r.relnamespace
 WHERE t.oid = :'referencing_oid'::oid
:end
