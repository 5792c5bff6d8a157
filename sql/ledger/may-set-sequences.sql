-- Whether this role may read and set the ledger's sequences: its owner may, and a role that may only add rows may not.
-- not null: may
:begin
SELECT bool_and(has_sequence_privilege(s.oid, 'SELECT') AND has_sequence_privilege(s.oid, 'UPDATE')) AS may
  FROM unnest(ARRAY['p2pfk.event_id_seq', 'p2pfk.migration_id_seq']::regclass[]) s(oid)
:end
