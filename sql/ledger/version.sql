-- The version of the ledger, and the one that this p2pfk makes: the newest file of versions/. Only where state.sql has found that
-- the ledger is trusted and readable. A newer ledger is refused before anything is written, because its functions would be
-- replaced by older ones.
-- not null: newest_version, is_older, version_refusal
:begin
SELECT v.version AS ledger_version, w.newest AS newest_version,
       COALESCE(v.version, 0) OPERATOR(pg_catalog.<) w.newest AS is_older,
       CASE WHEN v.version OPERATOR(pg_catalog.>) w.newest
            THEN pg_catalog.format('refused, nothing was changed: the ledger, schema p2pfk, has version %s, and this p2pfk knows up to %s: use the p2pfk that made it, or a newer one', v.version, w.newest)
            WHEN v.version IS NULL OR v.version OPERATOR(pg_catalog.<) 1
            THEN pg_catalog.format('refused, nothing was changed: the ledger, schema p2pfk, has no version that p2pfk knows (p2pfk.ledger_version says %s): restore it, or move it out of the way (ALTER SCHEMA p2pfk RENAME TO ...)', COALESCE(v.version::pg_catalog.text, 'nothing'))
            ELSE '' END AS version_refusal
  FROM (SELECT pg_catalog.max(l.version) AS version FROM p2pfk.ledger_version l) v
 CROSS JOIN (VALUES (6)) w(newest)
:end
