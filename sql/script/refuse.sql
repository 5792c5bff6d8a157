-- Ends the script with the text of p2pfk.script_refusal if that is not empty; an open transaction is rolled back.
DO $refusal$
BEGIN
  IF current_setting('p2pfk.script_refusal') <> '' THEN
    RAISE EXCEPTION '%', regexp_replace(current_setting('p2pfk.script_refusal'), $re$[[:cntrl:]\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]$re$, '?', 'g');
  END IF;
END
$refusal$;
