-- Whether the ledger belongs to this database: its newest row in p2pfk.identity is compared with :'database_oid',
-- :'database_name', :'system_identifier' (empty: this role may not read it) and :'endpoint'.
--
-- link_state: linked; renamed (the same database with another name); unsure (one of the system identifiers is not known: the
-- migrations decide, unmatched.sql); unlinked (the ledger does not record its database: the migrations decide as well);
-- elsewhere.
-- endpoint_known: this endpoint was used or confirmed before. busy: a migration is open, or done and not rolled back.
-- may_remember: this role may write to p2pfk.identity (an approver may not). link_refusal: for link_state elsewhere, unlinked or
-- unsure; endpoint_refusal: for an endpoint that is not known.
-- not null: link_state, endpoint_known, busy, may_remember, link_refusal, endpoint_refusal, link_note
-- types: link_state LinkState
:begin
WITH here AS (
  SELECT :'database_oid'::oid AS oid, :'database_name'::text AS name, nullif(:'system_identifier'::text, '') AS cluster,
         :'endpoint'::text AS endpoint
), made AS (
  SELECT i.* FROM p2pfk.identity i ORDER BY i.id DESC LIMIT 1
), way AS (
  -- One element for each host; names of this machine are one name.
  SELECT DISTINCT i.linked, regexp_replace(lower(e.element), '^(127\.0\.0\.1|::1|\[::1\]):', 'localhost:') AS element
    FROM (SELECT true AS linked, k.endpoint
            FROM p2pfk.identity k JOIN made m ON k.database_oid = m.database_oid AND coalesce(k.system_identifier = m.system_identifier, true)
          UNION ALL
          SELECT false, h.endpoint FROM here h) i
   CROSS JOIN LATERAL unnest(string_to_array(i.endpoint, ',')) e(element)
), verdict AS (
  SELECT CASE WHEN m.id IS NULL THEN 'unlinked'
              WHEN m.database_oid <> h.oid OR m.system_identifier <> h.cluster THEN 'elsewhere'
              WHEN m.system_identifier IS NULL OR h.cluster IS NULL
                THEN CASE WHEN m.database_name = h.name THEN 'unsure' ELSE 'elsewhere' END
              WHEN m.database_name <> h.name THEN 'renamed'
              ELSE 'linked' END AS link_state,
         NOT EXISTS (SELECT FROM way w WHERE NOT w.linked AND NOT EXISTS (SELECT FROM way k WHERE k.linked AND k.element = w.element)) AS endpoint_known
    FROM here h LEFT JOIN made m ON true
), words AS (
  SELECT format('database "%s" (oid %s) of the cluster with system identifier %s, at %s', h.name, h.oid, coalesce(h.cluster, 'unknown'), h.endpoint) AS this,
         format('database "%s" (oid %s) of the cluster with system identifier %s, at %s', m.database_name, m.database_oid, coalesce(m.system_identifier, 'unknown'), m.endpoint) AS that,
         'to use the ledger here, p2pfk audit --relink (psql: -v relink=on) compares it with this database first' AS remedy,
         m.database_name AS former_name
    FROM here h LEFT JOIN made m ON true
)
SELECT v.link_state, v.endpoint_known,
       EXISTS (SELECT FROM p2pfk.migration g WHERE g.state <> 'rolled-back') AS busy,
       has_table_privilege('p2pfk.identity', 'INSERT') AS may_remember,
       CASE WHEN v.link_state = 'unlinked'
            THEN format('refused, nothing was changed: the ledger, schema p2pfk, does not say which database it belongs to, and this is %s: %s', w.this, w.remedy)
            ELSE format('refused, nothing was changed: the ledger, schema p2pfk, belongs to %s, and this is %s. If you meant the other one, connect to it. If this one was restored or copied from it, or its cluster upgraded with pg_upgrade: %s',
                        w.that, w.this, w.remedy) END AS link_refusal,
       format('refused, nothing was changed: the ledger belongs to %s, and this is the same database, or a copy of it (a snapshot, a clone and a promoted standby have the same system identifier), at an endpoint that the ledger does not know: %s. If this is the database that you mean, confirm it once with --relink (psql: -v relink=on)',
              w.that, :'endpoint'::text) AS endpoint_refusal,
       CASE WHEN v.link_state = 'renamed'
            THEN format('the database that the ledger belongs to was called "%s", and is called "%s" now', w.former_name, :'database_name'::text)
            WHEN NOT v.endpoint_known
            THEN format('the ledger belongs to %s, and does not know the endpoint %s: this is the same database, or a copy of it (a snapshot, a clone, a promoted standby)', w.that, :'endpoint'::text)
            ELSE '' END AS link_note
  FROM verdict v CROSS JOIN words w
:end
