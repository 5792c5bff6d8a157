-- The findings of severity error, as one line; and what will be different after the migration, as lines. The ids are those of
-- docs/findings.md.
WITH pair AS (
  SELECT * FROM jsonb_to_recordset(:'pairing'::jsonb)
    AS p(pair int, referencing text, referencing_kind text, referenced_kind text, validated boolean, enforced boolean)
), counted AS (
  SELECT count(*) AS pairs FROM pair
), lone AS (
  SELECT u ->> 'partition' AS partition, u ->> 'kind' AS kind, u ->> 'bound' AS bound,
         u ->> 'why' AS why, u -> 'needsPair' IS DISTINCT FROM 'false' AS needs_pair, u -> 'keyless' IS NOT DISTINCT FROM 'true' AS keyless,
         :'filled'::jsonb @> jsonb_build_array((u ->> 'oid')::bigint) AS filled
    FROM jsonb_array_elements(:'unpaired'::jsonb) u
   WHERE u ->> 'side' = 'referencing'
), tab AS (
  SELECT t.*, CASE t.strategy WHEN 'l' THEN 'LIST' WHEN 'r' THEN 'RANGE' WHEN 'h' THEN 'HASH' ELSE t.strategy END AS strategy_name,
         (SELECT string_agg(coalesce(k, 'expression'), ', ' ORDER BY n) FROM jsonb_array_elements_text(t.key_columns) WITH ORDINALITY x(k, n)) AS keys
    FROM jsonb_to_recordset(:'tables'::jsonb)
         AS t(oid oid, name text, strategy text, key_columns jsonb, key_routing jsonb, has_expressions boolean, owned boolean,
              owner text, can_select boolean, can_reference boolean)
), both_tables AS (
  SELECT a.strategy AS a_strategy, b.strategy AS b_strategy, a.has_expressions OR b.has_expressions AS has_expressions,
         a.key_routing = b.key_routing AS alike, b.name AS referenced_name, b.can_reference,
         -- The referencing key columns, as the foreign key connects them, are the referenced ones.
         b.key_columns = (SELECT jsonb_agg(r.name ORDER BY k.n)
                            FROM jsonb_array_elements_text(a.key_columns) WITH ORDINALITY k(name, n)
                            LEFT JOIN jsonb_array_elements_text(:'column_names'::jsonb) WITH ORDINALITY f(name, n) ON f.name = k.name
                            LEFT JOIN jsonb_array_elements_text(:'referenced_column_names'::jsonb) WITH ORDINALITY r(name, n) ON r.n = f.n) AS connected,
         format('%s by %s (%s), %s by %s (%s)', a.name, a.strategy_name, a.keys, b.name, b.strategy_name, b.keys) AS words,
         'a row and the row it references must be sure to lie in partners: both tables need the same strategy, on columns that the foreign key connects, in the same order' AS remedy
    FROM tab a, tab b
   WHERE a.oid = :'referencing_oid'::oid AND b.oid = :'referenced_oid'::oid
), found AS (
  SELECT * FROM jsonb_to_recordset(:'findings'::jsonb) AS f(id text, severity text, needs_acceptance boolean, message text, remedy text)
), finding(n, id, message, remedy) AS (
  SELECT 1, 'server-version', format('PostgreSQL %s is older than 13', :'version'),
         'upgrade the server: before 13 a foreign key cannot be moved online as p2pfk does it'
   WHERE :'version_num'::int < 130000
  UNION ALL
  SELECT 2, 'read-only-server', 'this server is a standby, it accepts no change', 'connect to the primary'
   WHERE :'in_recovery'::boolean
  UNION ALL
  SELECT 3, CASE WHEN b.a_strategy <> b.b_strategy THEN 'partition-strategies-differ'
                 WHEN b.has_expressions THEN 'partition-key-expression' ELSE 'partition-keys-differ' END,
         CASE WHEN b.a_strategy <> b.b_strategy THEN 'the tables are partitioned in different ways: '
              WHEN b.has_expressions THEN 'a partition key is an expression: '
              WHEN NOT coalesce(b.connected, false) THEN 'the foreign key does not connect the partition keys: '
              ELSE 'the partition keys differ in type, collation or operator class, so equal bounds are not known to mean equal values: ' END || b.words,
         CASE WHEN b.a_strategy = b.b_strategy AND b.has_expressions
              THEN 'p2pfk cannot prove that an expression gives the same value on both sides; partition by plain columns' ELSE b.remedy END
    FROM both_tables b
   WHERE (b.a_strategy <> b.b_strategy OR b.has_expressions OR NOT coalesce(b.connected, false) OR NOT b.alike)
     -- Where each referencing leaf has its partner, it does not matter how the roots are partitioned.
     AND ((SELECT c.pairs = 0 FROM counted c) OR EXISTS (SELECT FROM lone l WHERE l.needs_pair))
  UNION ALL
  SELECT 4, 'not-owner', format('role %s does not own %s', :'role', t.name),
         format('run as %s, or GRANT %1$s TO the migrating role, which then has all of its rights (never a superuser): ALTER TABLE needs ownership', t.owner)
    FROM tab t WHERE NOT t.owned
  UNION ALL
  SELECT 5, 'missing-select', format('role %s cannot SELECT from %s', :'role', t.name),
         format('GRANT SELECT ON %s TO the migrating role: without it VALIDATE falls back to one query a row', t.name)
    FROM tab t WHERE NOT t.can_select
  UNION ALL
  SELECT 6, 'missing-references', format('role %s lacks REFERENCES on %s', :'role', b.referenced_name),
         format('GRANT REFERENCES ON %s TO the migrating role', b.referenced_name)
    FROM both_tables b WHERE NOT b.can_reference
  UNION ALL
  SELECT 7, 'ledger-privilege',
         CASE WHEN :'ledger_exists'::boolean THEN format('role %s cannot use the ledger, schema p2pfk', :'role')
              ELSE format('role %s may not create the ledger''s schema in database %s', :'role', :'database') END,
         CASE WHEN :'ledger_exists'::boolean THEN 'run as the role that owns schema p2pfk, or as a member of it with --ledger-owner (psql: -v ledger_owner)'
              ELSE 'GRANT CREATE ON DATABASE to the migrating role, or create schema p2pfk with that role as owner' END
   WHERE NOT CASE WHEN :'ledger_exists'::boolean THEN :'can_use_ledger'::boolean ELSE :'can_create_schema'::boolean END
  UNION ALL
  SELECT 8, 'partition-privilege',
         format('role %s does not own, or cannot read, %s partition(s), the first being %s', :'role',
                jsonb_array_length(:'leaves'::jsonb), :'leaves'::jsonb -> 0 ->> 'partition'),
         'give all partitions the owner of their parent table'
   WHERE :'leaves'::jsonb <> '[]' AND (SELECT bool_and(t.owned AND t.can_select) FROM tab t)
  UNION ALL
  SELECT 9, 'unpaired-referencing-partition',
         format('referencing partition %s (%s) holds rows, and %s', l.partition, l.bound, l.why),
         'split one side so that every referencing partition lies in one referenced partition, or move its rows'
    FROM lone l WHERE l.filled AND NOT l.keyless AND l.kind <> 'f'
  UNION ALL
  SELECT 10, 'foreign-table-partition',
         format('referencing partition %s (%s) is a foreign table; p2pfk does not read its rows', l.partition, l.bound),
         'a foreign table cannot have or be the target of a foreign key: detach it first'
    FROM lone l WHERE l.filled AND NOT l.keyless AND l.kind = 'f'
  UNION ALL
  SELECT 10, 'foreign-table-partition', format('%s pair(s) have a foreign table, the first being %s', count(*), min(p.referencing)),
         'a foreign table cannot have or be the target of a foreign key: detach it first'
    FROM pair p WHERE p.referencing_kind <> 'r' OR p.referenced_kind <> 'r' HAVING count(*) > 0
  UNION ALL
  SELECT 11, 'no-pairs', format('%s and %s have no two partitions with the same bound, nor one that lies in another', :'table', :'referenced_table'),
         'there is nothing to connect partition to partition'
    FROM counted c WHERE c.pairs = 0
  UNION ALL
  SELECT 12, 'pair-foreign-key-missing',
         format('there is no parent foreign key, and %s pair(s) have no valid, enforced pair foreign key, the first being %s', count(*), min(p.referencing)),
         'sql/migrate-to-p2p-fk-step4-verify.sql shows all of them'
    FROM pair p WHERE :'constraint_oid' = '' AND :'migration_id' = '' AND NOT (p.validated AND p.enforced) HAVING count(*) > 0
  UNION ALL
  SELECT 13, 'lock-table-capacity',
         format('dropping the parent foreign key takes about %s lock entries, and the lock table has room for %s', 8 * c.pairs + 10, :'lock_table_capacity'),
         'raise max_locks_per_transaction and restart the server'
    FROM counted c WHERE 8 * c.pairs + 10 > :'lock_table_capacity'::int * 0.7
  UNION ALL
  SELECT 14, 'blocking-rollback',
         format('a rollback after the drop would block writes for about %s ms: the lock table is too small to attach %s partitions', :'writes_blocked_ms', c.pairs),
         'raise max_locks_per_transaction, or accept it with -v allow_blocking_rollback=on'
    FROM counted c WHERE :'strategy' = 'blocking' AND NOT :'allow_blocking_rollback'::boolean
  UNION ALL
  SELECT 15, 'broken-children', format('the parent foreign key does not check these partitions: %s', string_agg(h ->> 'relation', ', ')),
         'drop and add the parent foreign key once, on a minor version without the bug, then plan again'
    FROM jsonb_array_elements(:'hazards'::jsonb) h WHERE h ->> 'kind' = 'broken-children' HAVING count(*) > 0
  UNION ALL
  SELECT 12, 'parent-not-validated', format('foreign key %s is NOT VALID: rows may lie there that it has never checked', :'constraint_name'),
         'ALTER TABLE ... VALIDATE CONSTRAINT it first: a rollback could not bring it back as it is'
    FROM jsonb_to_recordset(:'standing'::jsonb) AS s(constraint_oid text, validated boolean)
   WHERE s.constraint_oid = :'constraint_oid' AND NOT s.validated AND :'migration_id' = ''
  UNION ALL
  SELECT 16, 'identical-foreign-key',
         format('other foreign keys say the same as the parent foreign key, and would stand when it is gone: %s', string_agg(format('%s (%s)', h ->> 'relation', h ->> 'detail'), ', ')),
         'drop them first: they check every row a second time and guard nothing more'
    FROM jsonb_array_elements(:'hazards'::jsonb) h WHERE h ->> 'kind' = 'identical-foreign-key' HAVING count(*) > 0
  UNION ALL
  SELECT 20, f.id, f.message, f.remedy
    FROM found f WHERE f.severity = 'error'
  UNION ALL
  SELECT 21, f.id, f.message, format('%s; or accept it with -v accept=%s', f.remedy, f.id)
    FROM found f
   WHERE f.severity <> 'error' AND f.needs_acceptance AND :'constraint_oid' <> '' AND NOT (:'options'::jsonb -> 'accept') ?| ARRAY[f.id, 'all']
     AND NOT EXISTS (SELECT FROM jsonb_array_elements(:'accepted_before'::jsonb) b WHERE b ->> 'id' = f.id AND b ->> 'message' = f.message)
), warning(n, line) AS (
  SELECT 1, format('! %s', f.message)
    FROM found f WHERE f.severity = 'warning'
)
SELECT EXISTS (SELECT FROM finding) AS refused,
       coalesce('refused, nothing was changed: ' || (SELECT string_agg(format('[%s] %s; %s', id, message, remedy), ' | ' ORDER BY n, message) FROM finding), '') AS refusal,
       EXISTS (SELECT FROM warning) AS warned,
       coalesce((SELECT string_agg(regexp_replace(line, :'unprintable', '?', 'g'), E'\n' ORDER BY n, line) FROM warning), '') AS warnings \gset
