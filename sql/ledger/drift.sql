-- Differences between the ledger and its version: :'shape' (shape.sql) is compared with :'expected_shape'. Columns, indexes and
-- triggers that a trusted role has added do no harm. drift_refusal: one line, or empty. Nothing is written to such a ledger.
-- not null: drift_refusal
:begin
SELECT CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.>) 0
            THEN pg_catalog.format('refused, nothing was changed: the ledger, schema p2pfk, is not as its version has it: %s: restore what is missing from a dump, take the change back, or move the ledger out of the way (ALTER SCHEMA p2pfk RENAME TO ...)',
                                   pg_catalog.string_agg(d.text, '; ' ORDER BY d.text))
            ELSE '' END AS drift_refusal
  FROM (SELECT CASE WHEN s.value IS NULL THEN pg_catalog.format('%s is missing', e.key)
                    WHEN e.value IS NULL THEN pg_catalog.format('%s should not be there', s.key)
                    ELSE pg_catalog.format('%s is "%s" instead of "%s"', e.key, s.value, e.value) END AS text
          FROM pg_catalog.jsonb_each_text(:'expected_shape'::pg_catalog.jsonb) e
          FULL JOIN pg_catalog.jsonb_each_text(:'shape'::pg_catalog.jsonb) s ON s.key OPERATOR(pg_catalog.=) e.key
         WHERE s.value IS DISTINCT FROM e.value
           AND NOT (e.key IS NULL AND s.key OPERATOR(pg_catalog.~) '^(column|index|trigger) ')
           -- Of version 2: it stays where an object of another role depends on it (versions/003-identity-and-evidence.sql).
           AND NOT (e.key IS NULL AND s.key OPERATOR(pg_catalog.=) 'function owner_works(migration bigint, owner text)')) d
:end
