-- The database role by which p2pfk's functions migrate, and what it needs. Run it in the database as the master user (RDS,
-- Aurora) or a superuser; safe to run again:
--
--   psql -v role=p2pfk -v table=public.path -f sql/aws-role.sql
--
-- For a ledger that a team shares (docs/security.md): add -v ledger_owner=team.
-- For a password in Secrets Manager instead of IAM tokens: add -v iam=off, then \password p2pfk. To take it all back: DROP OWNED BY and DROP ROLE, after
-- the ledger (schema p2pfk) was given to somebody else with REASSIGN OWNED, or is not needed any more.
\set ON_ERROR_STOP on
-- Nothing below is looked up in a schema where somebody else may create objects: this role may do everything. Only the table's name
-- means what it means to the caller.
SELECT :'table'::pg_catalog.regclass::pg_catalog.oid AS table_oid \gset
SET search_path = pg_catalog, pg_temp;
\if :{?iam}
\else
  \set iam on
\endif
\if :{?ledger_owner}
\else
  \set ledger_owner ''
\endif

SELECT format('CREATE ROLE %I LOGIN', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role')
\gexec

-- The login by IAM token. The role exists on RDS and Aurora only; with it no password is taken any more.
SELECT format('GRANT rds_iam TO %I', :'role') FROM pg_roles WHERE rolname = 'rds_iam' AND :'iam' = 'on'
\gexec

-- ALTER TABLE, CREATE INDEX and VALIDATE are an owner's: it becomes a member of the owners of both tables and of all their
-- partitions. That is the widest of its rights, and there is no narrower one in PostgreSQL.
SELECT DISTINCT format('GRANT %I TO %I', pg_get_userbyid(c.relowner), :'role')
  FROM pg_constraint k
 CROSS JOIN LATERAL (SELECT relid FROM pg_partition_tree(k.conrelid)
                     UNION SELECT relid FROM pg_partition_tree(k.confrelid)) AS part
  JOIN pg_class c ON c.oid = part.relid
 WHERE k.conrelid = :'table_oid'::oid AND k.contype = 'f' AND k.conparentid = 0
   AND pg_get_userbyid(c.relowner) <> :'role'
\gexec

-- The ledger: a schema of its own, which the first plan creates.
SELECT format('GRANT CONNECT, CREATE ON DATABASE %I TO %I', current_database(), :'role')
\gexec

-- For a team: the role that owns tables and ledger, to which the functions SET ROLE (ledgerOwner of the stack). It creates the ledger then.
SELECT format('GRANT %I TO %I', :'ledger_owner', :'role') WHERE :'ledger_owner' NOT IN ('', :'role')
\gexec
SELECT format('GRANT CREATE ON DATABASE %I TO %I', current_database(), :'ledger_owner') WHERE :'ledger_owner' <> ''
\gexec

-- To see what other sessions do: who holds a lock that is waited for, how far standbys are behind, how many are active.
SELECT format('GRANT pg_monitor TO %I', :'role')
\gexec
