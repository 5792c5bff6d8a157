-- Check before a row of the ledger is used: refuses a ledger that belongs to another database, and for a :purpose that writes, an
-- endpoint that the ledger does not have (core/ledger/schema/identity.ts). With -v relink=on the ledger is linked to this
-- database first (core/ledger/schema/relink.ts).
\ir database.sql
\set migration_id ''
\if :relink
\if :is_older
\ir ../migration/make-ledger.sql
\endif
BEGIN;
\ir ../../ledger/relink-values.sql
\ir ../../ledger/relink.sql
\ir ../../ledger/relinked.sql
COMMIT;
\if :relinked
SELECT regexp_replace(format('%s at %s', :'database_name', :'endpoint'), :'unprintable', '?', 'g') AS linked_label \gset
\echo ✓ Linked the ledger to this database: :linked_label
\endif
\set relink off
\endif
\if :is_older
\ir ../../ledger/unmatched.sql
\ir ../../ledger/link-older.sql
\else
\ir ../../ledger/link.sql
SELECT :'link_state' IN ('unsure', 'unlinked') AS unsure, :'link_state' = 'unlinked' AS is_unlinked \gset
\if :unsure
\ir ../../ledger/unmatched.sql
SELECT CASE :'unmatched' WHEN '' THEN 'linked' ELSE 'elsewhere' END AS link_state,
       :'endpoint_known'::boolean OR :'is_unlinked'::boolean AS endpoint_known,
       CASE WHEN :'is_unlinked'::boolean THEN '' ELSE :'link_note' END AS link_note,
       :'is_unlinked'::boolean AND :'unmatched' = '' AND :'may_remember'::boolean AND :'purpose' <> 'verify' AS links_first \gset
\if :links_first
\ir ../../ledger/link-first.sql
\endif
\endif
\endif
SELECT :'link_state' IN ('unlinked', 'elsewhere') AS elsewhere,
       NOT :'endpoint_known'::boolean AND :'busy'::boolean AND :'purpose' <> 'verify' AS unconfirmed,
       :'link_note' <> '' AS noted,
       (:'link_state' = 'renamed' OR NOT :'endpoint_known'::boolean) AND :'may_remember'::boolean AND :'purpose' <> 'verify' AS remembers \gset
\if :elsewhere
\set refusal :link_refusal
\ir refuse.sql
\endif
\if :unconfirmed
\set refusal :endpoint_refusal
\ir refuse.sql
\endif
\if :noted
SELECT regexp_replace(:'link_note', :'unprintable', '?', 'g') AS link_note \gset
\echo ! :link_note
\endif
\if :remembers
\ir ../../ledger/link-again.sql
\endif
