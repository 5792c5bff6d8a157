-- Referencing leaves that get no foreign key, although they can hold complete keys: they have no partner, and no row that needs
-- one (:'filled' has the oids of those that have). The parent FK checks what is inserted there, and afterwards nothing does.
-- Where referenced partitions can hold their keys, rows that are checked today would be inserted unchecked: that needs
-- acceptance.
-- not null: id, severity, needs_acceptance, message, remedy
-- types: severity Severity
:begin
SELECT 'unpaired-empty-partition' AS id, 'warning' AS severity, jsonb_array_length(coalesce(u."heldBy", '[]')) > 0 AS needs_acceptance,
       format('referencing partition %s (%s) is empty, or holds only keys with a NULL, and %s: after the migration rows inserted there are not checked',
              u.partition, u.bound, u.why) AS message,
       'create its partner, or drop it' AS remedy
  FROM jsonb_to_recordset(:'unpaired'::jsonb) AS u(side text, oid oid, partition text, bound text, why text, keyless boolean, "heldBy" jsonb)
 WHERE u.side = 'referencing' AND NOT coalesce(u.keyless, false)
   AND u.oid NOT IN (SELECT f.oid::oid FROM jsonb_array_elements_text(:'filled'::jsonb) f(oid))
 ORDER BY u.partition
:end
