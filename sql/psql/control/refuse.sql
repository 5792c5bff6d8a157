-- Ends the script with one line, :refusal, and psql's exit code 3. An open transaction goes with the session.
SELECT set_config('p2pfk.refusal', :'refusal', false) AS ignored \gset
DO $$ BEGIN RAISE EXCEPTION '%', current_setting('p2pfk.refusal'); END $$;
