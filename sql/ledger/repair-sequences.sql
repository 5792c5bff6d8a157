-- Gives the ledger's sequences values again from which they can count. A member of pg_write_all_data (14 and newer) may set them
-- to any value up to their end, after which no row can be added. The right values are derived from the existing rows, plus some
-- for transactions that are not committed yet. No row: nothing is wrong with them. Only for the ledger's owner.
-- not null: repaired, value
:begin
WITH mend AS (
  SELECT 'p2pfk.event_id_seq'::regclass AS sequence, s.last_value, coalesce((SELECT max(id) FROM p2pfk.event), 0) AS top FROM p2pfk.event_id_seq s
   UNION ALL
  SELECT 'p2pfk.migration_id_seq'::regclass, s.last_value, coalesce((SELECT max(id) FROM p2pfk.migration), 0) FROM p2pfk.migration_id_seq s
)
SELECT sequence::text AS repaired, setval(sequence, top + 1000) AS value
  FROM mend
 WHERE last_value < top OR last_value > top + 1000000000
:end
