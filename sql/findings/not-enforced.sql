-- The parent FK is NOT ENFORCED (18+). It checks nothing, but TRUNCATE and DETACH behave as with an enforced one.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'not-enforced' AS id, 'warning' AS severity, true AS needs_acceptance,
       format('foreign key %I is NOT ENFORCED: it refuses no row, and yet TRUNCATE ... CASCADE of one partition of %s empties all of %s, and DETACH PARTITION there is refused. The pair foreign keys are enforced: rows without a referenced row make their validation fail, new ones are refused, and ON DELETE and ON UPDATE act',
              c.conname, :'referenced_table'::text, :'table'::text) AS message,
       format('only to get rid of what TRUNCATE and DETACH do, drop it instead: ALTER TABLE %s DROP CONSTRAINT %I', :'table'::text, c.conname) AS remedy
  FROM pg_constraint c
 WHERE c.oid = nullif(:'constraint_oid'::text, '')::oid AND to_jsonb(c) ->> 'conenforced' = 'false'
:end
