-- Judges :result, the verdict of delete-verdict.sql.
SELECT set_config('p2pfk.script_verdict', :'result', false) AS ignored \gset
DO $verdict$
DECLARE
  verdict jsonb := current_setting('p2pfk.script_verdict')::jsonb -> 0;
BEGIN
  IF verdict -> 'passed' IS DISTINCT FROM 'true' THEN
    RAISE EXCEPTION 'the check of DELETE failed: %', regexp_replace(verdict ->> 'detail', $re$[[:cntrl:]\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]$re$, '?', 'g');
  END IF;
END
$verdict$;
