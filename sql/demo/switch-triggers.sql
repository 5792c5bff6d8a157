-- For `demo --fail gate`: switches all triggers of a partition off and on again, those of its foreign keys included.
-- not null: off, on
:begin
SELECT format('ALTER TABLE %s DISABLE TRIGGER ALL', to_regclass(format('public.%I', :'path_partition'::text))) AS off,
       format('ALTER TABLE %s ENABLE TRIGGER ALL', to_regclass(format('public.%I', :'path_partition'::text))) AS "on"
:end
