-- Publications that publish the ledger, too: FOR ALL TABLES, or FOR TABLES IN SCHEMA p2pfk (15+). A subscriber has no such tables,
-- and its apply worker stops at the first row. Which publications have a schema is read from pg_depend, as
-- pg_publication_namespace is missing before 15.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'publication-all-tables' AS id, 'warning' AS severity, true AS needs_acceptance,
       format('%s %s the ledger (schema p2pfk) too: a subscriber that lacks these tables stops at the first row, and all of its replication with it; so does a Blue/Green deployment of RDS or Aurora, whose green side is a subscriber',
              string_agg(format('publication %I (%s)', p.pubname, CASE WHEN p.puballtables THEN 'FOR ALL TABLES' ELSE 'FOR TABLES IN SCHEMA' END), ', ' ORDER BY p.pubname),
              CASE count(*) WHEN 1 THEN 'publishes' ELSE 'publish' END) AS message,
       'first create the ledger on every subscriber, as a copy: psql SUBSCRIBER -f sql/ledger-copy.sql; then accept this' AS remedy
  FROM pg_publication p
 WHERE (p.pubinsert OR p.pubupdate OR p.pubdelete)
   AND (p.puballtables
        OR EXISTS (SELECT
                     FROM pg_depend a
                     JOIN pg_depend b ON b.classid = a.classid AND b.objid = a.objid AND b.refclassid = 'pg_namespace'::regclass
                    WHERE a.classid = to_regclass('pg_catalog.pg_publication_namespace')
                      AND a.refclassid = 'pg_publication'::regclass AND a.refobjid = p.oid
                      AND b.refobjid = to_regnamespace('p2pfk')))
HAVING count(*) > 0
:end
