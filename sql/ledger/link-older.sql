-- The decision of link.sql, for a ledger that is older than p2pfk.identity: it belongs to this database if its migrations do
-- (:'unmatched', unmatched.sql).
-- not null: link_state, endpoint_known, busy, may_remember, link_refusal, endpoint_refusal, link_note
-- types: link_state LinkState
:begin
SELECT CASE :'unmatched'::text WHEN '' THEN 'linked' ELSE 'unlinked' END AS link_state, true AS endpoint_known,
       EXISTS (SELECT FROM p2pfk.migration g WHERE g.state <> 'rolled-back') AS busy,
       false AS may_remember,
       format('refused, nothing was changed: the ledger, schema p2pfk, was made by an older p2pfk and does not say which database it belongs to, and this one, "%s" (oid %s) of the cluster with system identifier %s, at %s, is not as the ledger has it: %s. If it was restored or copied from that database, p2pfk audit --relink (psql: -v relink=on) compares it with the ledger first',
              :'database_name'::text, :'database_oid'::oid, coalesce(nullif(:'system_identifier'::text, ''), 'unknown'), :'endpoint'::text, :'unmatched'::text) AS link_refusal,
       '' AS endpoint_refusal, '' AS link_note
:end
