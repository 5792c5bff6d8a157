-- What delete-once.sql has found (p2pfk.delete_probed).
DO $probed$
DECLARE
  probed jsonb := current_setting('p2pfk.delete_probed')::jsonb;
BEGIN
  IF probed ->> 'sqlstate' <> '' THEN
    RAISE EXCEPTION 'the DELETE probe failed: %', probed ->> 'message';
  END IF;
END
$probed$;
