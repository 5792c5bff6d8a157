-- Creates a table like its future parent: columns, defaults, generated columns, storage and CHECK constraints. Indexes, primary
-- key and parent-level foreign keys are added when it is attached, as are row triggers; identity belongs to the parent.
-- Lock: ACCESS SHARE on the parent; the new table is not visible to other sessions yet.
-- not null: sql, lock
SELECT format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL EXCLUDING IDENTITY EXCLUDING INDEXES EXCLUDING STATISTICS EXCLUDING COMMENTS)%s%s',
              :'schema'::text, :'name'::text, n.nspname, c.relname,
              ' USING ' || quote_ident(am.amname), ' TABLESPACE ' || quote_ident(s.spcname)) AS sql,
       'ACCESS SHARE on the partitioned table' AS lock
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_am am ON am.oid = c.relam  -- of a partitioned table only from 17 on
  LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
 WHERE c.oid = :'parent_oid'::oid;
