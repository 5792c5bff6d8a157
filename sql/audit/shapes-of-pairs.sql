-- The different definitions of the pairs' foreign keys on the columns of the pair FKs, apart from their partitions; one row for
-- each. `partition`: one that has it. `vouched`: one of these partitions belongs to the table's owner, or to a role with its
-- rights; any other owner may have replaced the foreign key of its partition. Run it with search_path = pg_catalog.
-- not null: definition, pairs, partition, vouched, remedy
SELECT x.definition, count(*)::int AS pairs, min(x.partition) AS partition, bool_or(x.vouched) AS vouched,
       min(x.remedy) AS remedy
  FROM (SELECT format('%I.%I', n.nspname, r.relname) AS partition,
               pg_has_role(r.relowner, t.relowner, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET, USAGE' ELSE 'MEMBER' END) AS vouched,
               format('ALTER TABLE %I.%I OWNER TO %I', n.nspname, r.relname, pg_get_userbyid(t.relowner)) AS remedy,
               format('FOREIGN KEY (%s) REFERENCES ...(%s)%s', k.columns, k.referenced_columns,
                      substr(regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', ''),
                             length(format('FOREIGN KEY (%s) REFERENCES %s(%s)', k.columns, c.confrelid::regclass, k.referenced_columns)) + 1)) AS definition
          FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(referencing_oid oid, referenced_oid oid)
          JOIN pg_constraint c ON c.conrelid = p.referencing_oid AND c.confrelid = p.referenced_oid AND c.contype = 'f' AND c.conparentid = 0
          JOIN pg_class r ON r.oid = c.conrelid
          JOIN pg_namespace n ON n.oid = r.relnamespace
          JOIN pg_class t ON t.oid = :'referencing_oid'::oid
         CROSS JOIN LATERAL (
               SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY x.n)  AS columns,
                      string_agg(quote_ident(ra.attname), ', ' ORDER BY x.n) AS referenced_columns,
                      jsonb_agg(a.attname ORDER BY a.attname)                AS sorted
                 FROM unnest(c.conkey, c.confkey) WITH ORDINALITY x(att, ratt, n)
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = x.att
                 JOIN pg_attribute ra ON ra.attrelid = c.confrelid AND ra.attnum = x.ratt) k
         WHERE k.sorted = (SELECT jsonb_agg(e ORDER BY e COLLATE "C") FROM jsonb_array_elements_text(:'column_names'::jsonb) e)) x
 GROUP BY x.definition
 ORDER BY count(*) DESC, x.definition;
