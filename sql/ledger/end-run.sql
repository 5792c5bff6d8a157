-- Releases the right that claim-run.sql took.
DELETE FROM p2pfk.running WHERE object = :'object'::oid AND key = :'liveness_key'::bigint;
