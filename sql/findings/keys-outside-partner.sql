-- Referencing leaves some of whose keys are in no referenced partition today: either foreign key refuses those. The parent FK
-- accepts them as soon as a referenced partition for them is added; a pair FK continues to refuse them.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'keys-outside-partner' AS id, 'warning' AS severity, false AS needs_acceptance,
       format('%s referencing partition(s) can hold keys that no referenced partition holds today: %s; the pair foreign key goes on refusing such a key when a referenced partition for it is added',
              count(*), string_agg(format('%s (%s) beside those of %s', referencing, bound, referenced), ', ' ORDER BY pair)) AS message,
       'add a referenced partition for such keys together with a referencing partition for them alone' AS remedy
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, referencing text, referenced text, bound text, keys_outside boolean)
 WHERE keys_outside
HAVING count(*) > 0
:end
