-- Restores the parent FK exactly as it was. If every referencing leaf has a matching valid FK, PostgreSQL attaches those and
-- scans nothing; otherwise it reads every row under this lock (the blocking strategy).
-- Lock: SHARE ROW EXCLUSIVE on both partitioned tables and all of their partitions; where it attaches, ACCESS EXCLUSIVE, because
--   PostgreSQL drops the triggers that the leaves' FKs no longer need: take it before, with lock-tables.
-- Blocked by: any writer of any partition; the lock budget limits the wait.
-- Safe because: the pair FKs stay until this one exists and is verified.
--
-- The referenced table is named by its present name, not by the one in the ledger: another table may have got that name since.
-- not null: sql, lock
:begin
SELECT format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', n.nspname, t.relname, :'constraint_name'::text, substring(:'definition'::text FROM $re$^FOREIGN KEY \((?:[^"()]|"(?:[^"]|"")*")*\) REFERENCES $re$) || format('%I.%I', rn.nspname, r.relname)
              || substring(:'definition'::text FROM $re$^FOREIGN KEY \((?:[^"()]|"(?:[^"]|"")*")*\) REFERENCES (?:[^"(]|"(?:[^"]|"")*")+(\(.*)$$re$)) AS sql,
       'SHARE ROW EXCLUSIVE on both tables and all partitions' AS lock
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_class r ON r.oid = :'referenced_oid'::oid
  JOIN pg_namespace rn ON rn.oid = r.relnamespace
 WHERE t.oid = :'referencing_oid'::oid
:end
