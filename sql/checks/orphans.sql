-- For each pair the query that counts its orphans: referencing rows whose keys are set and have no referenced row. convalidated
-- is no proof: under session_replication_role = replica a row can be inserted in spite of a valid FK. The comparison uses the
-- operators of the foreign key itself (pg_constraint.conpfeqop), so it decides as the constraint does, for all types; with the casts and
-- the collation that PostgreSQL writes when it validates (ri_triggers.c). Without a cast to the very types of the operator, another one of its
-- name and schema that fits a domain better would be taken, and its author's function run. Takes
-- ACCESS SHARE on the two partitions; one hash anti-join, parallel where the server allows it. MATCH FULL: a key that is partly
-- NULL is a violation too. There is no query for a pair with a foreign table, which p2pfk does not read: what its owner has put
-- behind it would run as the role that reads.
-- `code_lock_sql` is for tables whose owner could add code between the question for it and the query plan: an index, a CHECK, statistics.
-- A role that may only read, and a standby, can take no such lock.
-- not null: pair, lock_sql, code_lock_sql, referencing, referencing_oid, referenced_oid, sql
:begin
SELECT p.pair,
       -- Before the query, which names the two tables as well: behind it neither can be renamed (core/postgres/locks/locked-tables.ts).
       format('LOCK TABLE ONLY %I.%I, ONLY %I.%I IN ACCESS SHARE MODE', an.nspname, a.relname, bn.nspname, b.relname) AS lock_sql,
       format('LOCK TABLE ONLY %I.%I, ONLY %I.%I IN %s MODE', an.nspname, a.relname, bn.nspname, b.relname,
              CASE WHEN NOT pg_is_in_recovery() AND has_table_privilege(a.oid, 'UPDATE, DELETE, TRUNCATE') AND has_table_privilege(b.oid, 'UPDATE, DELETE, TRUNCATE')
                   THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'ACCESS SHARE' END) AS code_lock_sql,
       format('%I.%I', an.nspname, a.relname) AS referencing, p.referencing_oid, p.referenced_oid,
       format('SELECT count(*) AS orphans FROM ONLY %I.%I f WHERE (%s) AND NOT EXISTS (SELECT FROM ONLY %I.%I r WHERE %s)%s',
              an.nspname, a.relname, k.all_set, bn.nspname, b.relname, k.equal,
              CASE c.confmatchtype WHEN 'f' THEN format(' OR (NOT (%s) AND NOT (%s))', k.all_set, k.none_set) ELSE '' END) AS sql
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing_oid oid, referenced_oid oid, constraint_oid oid)
  JOIN pg_class a ON a.oid = p.referencing_oid AND a.relkind = 'r' JOIN pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_class b ON b.oid = p.referenced_oid AND b.relkind = 'r' JOIN pg_namespace bn ON bn.oid = b.relnamespace
  JOIN pg_constraint c ON c.oid = coalesce(p.constraint_oid, nullif(:'like_constraint_oid'::text, '')::oid)
 CROSS JOIN LATERAL (
       SELECT string_agg(format('f.%I IS NOT NULL', fa.attname), ' AND ' ORDER BY u.n) AS all_set,
              string_agg(format('f.%I IS NULL', fa.attname), ' AND ' ORDER BY u.n)     AS none_set,
              string_agg(format('r.%I%s OPERATOR(%I.%s) f.%I%s%s', ra.attname,
                                CASE WHEN op.oprleft <> ra.atttypid AND (lt.typtype <> 'p' OR rat.typtype = 'd') THEN format('::%I.%I', ltn.nspname, lt.typname) END,
                                opn.nspname, op.oprname, fa.attname,
                                CASE WHEN op.oprright <> fa.atttypid AND (rt.typtype <> 'p' OR fat.typtype = 'd') THEN format('::%I.%I', rtn.nspname, rt.typname) END,
                                CASE WHEN ra.attcollation <> fa.attcollation THEN format(' COLLATE %I.%I', con.nspname, co.collname) END),
                         ' AND ' ORDER BY u.n)                                         AS equal
         FROM unnest(c.conkey, c.confkey, c.conpfeqop) WITH ORDINALITY u(att, ratt, operator, n)
         JOIN pg_attribute fa ON fa.attrelid = c.conrelid AND fa.attnum = u.att
         JOIN pg_attribute ra ON ra.attrelid = c.confrelid AND ra.attnum = u.ratt
         JOIN pg_operator op ON op.oid = u.operator
         JOIN pg_namespace opn ON opn.oid = op.oprnamespace
         JOIN pg_type lt ON lt.oid = op.oprleft JOIN pg_namespace ltn ON ltn.oid = lt.typnamespace JOIN pg_type rat ON rat.oid = ra.atttypid
         JOIN pg_type rt ON rt.oid = op.oprright JOIN pg_namespace rtn ON rtn.oid = rt.typnamespace JOIN pg_type fat ON fat.oid = fa.atttypid
         LEFT JOIN pg_collation co ON co.oid = ra.attcollation
         LEFT JOIN pg_namespace con ON con.oid = co.collnamespace) k
 ORDER BY p.pair
:end
