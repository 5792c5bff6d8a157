-- The foreign key that is meant, of those that exist (:'standing') and those that are open in the ledger (:'open'). refused:
-- there is none, or more than one, or none of a kind that can be migrated; `refusal` has the reason. unknown: none exists and
-- none is open; the pair FKs in the catalog are the only evidence (choose-migrated.sql).
WITH standing AS (
  SELECT s.*, s.referenced_kind = 'p' AS is_candidate
    FROM jsonb_to_recordset(:'standing'::jsonb)
         AS s(table_name text, table_kind text, constraint_oid oid, constraint_name text, constraint_ident text,
              temporal boolean, referenced_oid oid, referenced_name text, referenced_kind text)
), open AS (
  SELECT o.id, o.constraint_name, o.state, e AS migration
    FROM jsonb_array_elements(:'open'::jsonb) e, jsonb_to_record(e) AS o(id text, constraint_name text, state text)
), known AS (
  SELECT s.constraint_name AS name, true AS stands, NULL AS state
    FROM standing s
   WHERE s.is_candidate AND :'purpose' IN ('migrate', 'verify')
  UNION ALL
  SELECT o.constraint_name, false, o.state
    FROM open o
   WHERE :'purpose' IN ('continue', 'rollback') OR NOT EXISTS (SELECT FROM standing s WHERE s.constraint_name = o.constraint_name)
), wanted AS (
  -- A name as SQL writes it, or exactly as stored.
  SELECT k.*
    FROM known k
   WHERE :'constraint' <> ''
     AND (:'constraint' = k.name
          OR :'constraint' LIKE '"%"' AND replace(substr(:'constraint', 2, length(:'constraint') - 2), '""', '"') = k.name
          OR :'constraint' ~ '^[A-Za-z_][A-Za-z0-9_$]*$' AND lower(:'constraint') = k.name)
  UNION ALL
  -- None named: to migrate, what is still there comes first; to go on, what is not done yet.
  SELECT k.*
    FROM known k
   WHERE :'constraint' = ''
     AND CASE :'purpose' WHEN 'migrate' THEN k.stands OR NOT EXISTS (SELECT FROM known x WHERE x.stands)
                         WHEN 'continue' THEN k.state <> 'migrated' OR NOT EXISTS (SELECT FROM known x WHERE x.state <> 'migrated')
                         ELSE true END
), answer AS (
  SELECT t.*, w.names, w.matches,
         CASE WHEN w.matches = 1 THEN w.name END AS name,
         (SELECT string_agg(s.constraint_ident, ', ' ORDER BY s.constraint_name) FROM standing s) AS there,
         (SELECT count(*) FROM standing s WHERE s.is_candidate) AS candidates
    FROM (SELECT count(*) AS matches, min(name) AS name, string_agg(name, ', ' ORDER BY name) AS names FROM wanted) w
    LEFT JOIN LATERAL (SELECT table_name, table_kind FROM standing LIMIT 1) t ON true
), verdict AS (
  SELECT a.name,
         CASE
           WHEN a.table_name IS NULL
             THEN format('table %s does not exist; name it as SQL does, with its schema where the search_path does not lead to it', :'table')
           WHEN a.table_kind <> 'p'
             THEN format('table %s is not partitioned: there is no foreign key between partitions to make; only a parent-level foreign key between two partitioned tables can be migrated', a.table_name)
           WHEN a.matches > 1
             THEN format('table %s has %s foreign keys to partitioned tables (%s): choose one with -v constraint=NAME', a.table_name, a.matches, a.names)
           WHEN a.matches = 0 AND :'constraint' <> ''
             THEN coalesce(
                    (SELECT format('foreign key %s of %s references %s, which is not partitioned: there are no pairs of partitions to connect',
                                   s.constraint_ident, s.table_name, s.referenced_name)
                       FROM standing s
                      WHERE NOT s.is_candidate AND (s.constraint_name = :'constraint' OR s.constraint_ident = :'constraint')),
                    CASE WHEN :'purpose' IN ('continue', 'rollback')
                         THEN format('the ledger has no open migration of foreign key %s of %s', :'constraint', a.table_name) END,
                    format('table %s has no foreign key %s: %s', a.table_name, :'constraint', coalesce('it has ' || a.there, 'it has no foreign key')))
           WHEN a.matches = 0 AND :'purpose' = 'continue'
             THEN format('the ledger has no open migration of %s: begin with sql/migrate-to-p2p-fk-step1-add-partition-fks.sql', a.table_name)
           WHEN a.matches = 0 AND :'purpose' = 'rollback' AND a.candidates = 0
             THEN format('there is nothing to roll back: the ledger has no open migration of %s', a.table_name)
           WHEN s.temporal
             THEN format('foreign key %s of %s is a temporal foreign key (PERIOD), which p2pfk does not migrate', s.constraint_ident, s.table_name)
         END AS refusal
    FROM answer a
    LEFT JOIN standing s ON s.constraint_name = a.name AND s.is_candidate
)
SELECT coalesce(v.refusal, '')                                          AS refusal,
       v.refusal IS NOT NULL                                            AS refused,
       v.refusal IS NULL AND v.name IS NULL AND :'purpose' <> 'rollback' AS unknown,
       v.refusal IS NULL AND v.name IS NOT NULL                         AS found,
       s.constraint_oid IS NOT NULL                                     AS stands,
       coalesce(s.constraint_oid::text, '')                             AS constraint_oid,
       coalesce(o.id, '')                                               AS migration_id,
       coalesce(o.state, '')                                            AS migration_state,
       CASE WHEN s.constraint_oid IS NULL THEN coalesce(o.migration, '{}')
            ELSE jsonb_build_object('table_name', s.table_name, 'referenced_name', s.referenced_name) END AS fk
  FROM verdict v
  LEFT JOIN standing s ON s.constraint_name = v.name AND s.is_candidate
  LEFT JOIN open o ON o.constraint_name = v.name \gset
