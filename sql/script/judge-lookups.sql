-- :result has a row for each pair (lookup-proofs.sql): the index by which its foreign key finds the referencing rows, or none.
SELECT set_config('p2pfk.script_proofs', :'result', false) AS ignored \gset
DO $proofs$
DECLARE
  scans bigint;
BEGIN
  SELECT count(*) INTO scans FROM jsonb_array_elements(current_setting('p2pfk.script_proofs')::jsonb) p WHERE p -> 'index_oid' = 'null';
  IF scans > 0 AND NOT current_setting('p2pfk.script_no_indexes')::boolean THEN
    RAISE EXCEPTION 'the gate is not open: the lookup of % pair foreign key(s) would scan its partition', scans;
  END IF;
END
$proofs$;
