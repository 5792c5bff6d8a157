-- The id of the next migration, as far as this role may see; for a ledger that exists and is readable.
-- not null: id
:begin
SELECT (greatest((SELECT coalesce(max(m.id), 0) FROM p2pfk.migration m),
                 coalesce(CASE WHEN has_sequence_privilege('p2pfk.migration_id_seq', 'SELECT') THEN pg_sequence_last_value('p2pfk.migration_id_seq'::regclass) END, 0)) + 1)::text AS id
:end
