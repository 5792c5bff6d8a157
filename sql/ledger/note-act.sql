-- Notes an action of a person on a migration that ran no statement on the application's tables.
-- may be null: reason
INSERT INTO p2pfk.event (migration_id, person, reason, step)
VALUES (:'migration_id'::bigint, nullif(:'by'::text, ''), nullif(:'reason'::text, ''), :'step'::text);
