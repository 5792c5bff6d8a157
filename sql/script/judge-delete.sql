-- Judges :result, the verdict of delete-verdict.sql.
SELECT set_config('p2pfk.script_verdict', :'result', false) AS ignored \gset
DO $verdict$
DECLARE
  verdict jsonb := current_setting('p2pfk.script_verdict')::jsonb -> 0;
BEGIN
  IF verdict -> 'passed' IS DISTINCT FROM 'true' THEN
    RAISE EXCEPTION 'the check of DELETE failed: %', regexp_replace(verdict ->> 'detail', $re$[[:cntrl:]\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]$re$, '?', 'g');
  END IF;
END
$verdict$;
