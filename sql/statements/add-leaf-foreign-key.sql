-- First half of the online rollback: an FK from one referencing leaf to the referenced parent, without reading rows. It has the
-- definition of the parent FK's own child there, so that the parent FK can attach it, and its name if the pair FK has not taken
-- that; otherwise rename-leaf-foreign-key gives it the name when the pair FK is dropped.
-- Lock: SHARE ROW EXCLUSIVE on the referencing leaf, the referenced table and all of its partitions, for milliseconds.
-- Blocked by: any writer of these; the lock budget limits the wait.
-- Safe because: NOT VALID scans nothing, and the pair FKs still cover every row.
--
-- The referenced table is named by its present name, not by the one in the ledger: another table may have got that name since.
-- not null: pair, sql, lock
:begin
SELECT p.pair,
       format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s NOT VALID',
              an.nspname, a.relname,
              -- The pair FK may have that name: then another, until the pair FK is dropped. How it is cut: catalog/pair-states.sql.
              -- A child of the parent FK is gone by then; plan --sql asks while it is there.
              coalesce((SELECT k.name
                          FROM (SELECT 0, w.name
                                UNION ALL
                                SELECT i, regexp_replace(substr((repeat('x', 9) || w.name)::name::text, 10),
                                                         CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN '[^ -~]+$' ELSE '$' END, '')
                                            || '_' || left(md5(w.name || p.referencing_oid::text || CASE i WHEN 1 THEN '' ELSE i::text END), 8)
                                  FROM generate_series(1, 2 + (SELECT count(*)::int FROM pg_constraint c WHERE c.conrelid = p.referencing_oid)) i) k(i, name)
                         WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = p.referencing_oid AND c.conname = k.name AND c.conparentid = 0)
                         ORDER BY k.i LIMIT 1), w.name), substring(:'definition'::text FROM $re$^FOREIGN KEY \((?:[^"()]|"(?:[^"]|"")*")*\) REFERENCES $re$) || format('%I.%I', rn.nspname, r.relname)
              || substring(:'definition'::text FROM $re$^FOREIGN KEY \((?:[^"()]|"(?:[^"]|"")*")*\) REFERENCES (?:[^"(]|"(?:[^"]|"")*")+(\(.*)$$re$)) AS sql,
       'SHARE ROW EXCLUSIVE on the referencing partition, the referenced table and its partitions' AS lock
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, root_constraint name)
  JOIN pg_class a ON a.oid = p.referencing_oid JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class r ON r.oid = :'referenced_oid'::oid JOIN pg_namespace rn ON rn.oid = r.relnamespace
 CROSS JOIN LATERAL (SELECT coalesce(p.root_constraint, :'constraint_name'::name)::text AS name) w
 ORDER BY p.pair
:end
