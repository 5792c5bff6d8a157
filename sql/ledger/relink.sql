-- Links the ledger to this database (relink-values.sql): --relink. One statement, so all of it or nothing.
--
-- A migration whose tables do not have the oids in the ledger is looked up by names, and compared with the catalog first: the
-- parent FK as long as it was not dropped, and every pair FK of the ledger, each with its definition. The first difference ends
-- it (SQLSTATE P2F02) with the statement that is missing. Tables that no longer exist stay unknown, and p2pfk audit reports them.
--
-- If it is another database, and not just another endpoint of the same one, executions and approvals of that database do not
-- count here: what was running is paused. Takes no lock on any table of the application.
DO $relink$
DECLARE
  link jsonb := current_setting('p2pfk.link')::jsonb;
  here record;
  made record;
  known boolean;
  is_other boolean;
  m record;
  p record;
  parent text;
  expected text;
  stands text;
  valid boolean;
  difference text;
  new_table oid;
  new_referenced oid;
  -- What is to be written at the end: migrations with their tables, and the oids of before and of now.
  ids bigint[] := '{}';
  tables oid[] := '{}';
  referenceds oid[] := '{}';
  old_oids oid[] := '{}';
  new_oids oid[] := '{}';
  -- sql/psql/control/unprintable.sql
  unprintable constant text := $re$[[:cntrl:]\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]$re$;
BEGIN
  -- One at a time; whoever reads the ledger does not wait.
  LOCK TABLE p2pfk.identity IN SHARE ROW EXCLUSIVE MODE;
  SELECT (link ->> 'oid')::oid AS oid, link ->> 'name' AS name, link ->> 'cluster' AS cluster, link ->> 'endpoint' AS endpoint INTO here;
  SELECT i.* INTO made FROM p2pfk.identity i ORDER BY i.id DESC LIMIT 1;
  known := FOUND;
  is_other := known AND (made.database_oid <> here.oid OR coalesce(made.system_identifier <> here.cluster, made.database_name <> here.name));

  FOR m IN
    SELECT g.*,
           t.oid IS NOT NULL AND r.oid IS NOT NULL
             AND (format('%I.%I', tn.nspname, t.relname) = g.table_name AND format('%I.%I', rn.nspname, r.relname) = g.referenced_name
                  OR EXISTS (SELECT FROM pg_constraint c
                              WHERE c.conrelid = t.oid AND c.confrelid = r.oid AND c.contype = 'f' AND c.conname = g.constraint_name::name)
                  OR EXISTS (SELECT FROM p2pfk.pair q
                               JOIN pg_constraint c ON c.conrelid = q.referencing_oid AND c.confrelid = q.referenced_oid AND c.contype = 'f'
                                                   AND c.conname = q.constraint_name::name
                              WHERE q.migration_id = g.id)) AS is_here
      FROM p2pfk.migration g
      LEFT JOIN pg_class t ON t.oid = g.table_oid AND t.relkind = 'p'
      LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
      LEFT JOIN pg_class r ON r.oid = g.referenced_oid AND r.relkind = 'p'
      LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
     ORDER BY g.id
  LOOP
    CONTINUE WHEN m.is_here AND NOT is_other;
    IF m.is_here THEN
      new_table := m.table_oid;
      new_referenced := m.referenced_oid;
    ELSE
      -- A table that was renamed after the migration is found by its partitions.
      SELECT coalesce(to_regclass(m.table_name)::oid, min(pg_partition_root(to_regclass(q.referencing))::oid)),
             coalesce(to_regclass(m.referenced_name)::oid, min(pg_partition_root(to_regclass(q.referenced))::oid))
        INTO new_table, new_referenced
        FROM p2pfk.pair q WHERE q.migration_id = m.id;
    END IF;
    IF NOT m.is_here THEN
      ids := ids || m.id;
      -- Oids that no table has, each another one: the ledger has one open migration for each table and constraint.
      tables := tables || coalesce(new_table, (4294967295 - m.id)::oid);
      referenceds := referenceds || coalesce(new_referenced, (4294967295 - m.id)::oid);
    END IF;
    old_oids := old_oids || m.table_oid || m.referenced_oid;
    new_oids := new_oids || coalesce(new_table, 0::oid) || coalesce(new_referenced, 0::oid);
    CONTINUE WHEN m.state = 'rolled-back' OR new_table IS NULL AND new_referenced IS NULL;

    difference := NULL;
    IF new_table IS NULL OR new_referenced IS NULL THEN
      difference := format('there is no table %s', CASE WHEN new_table IS NULL THEN m.table_name ELSE m.referenced_name END);
    ELSIF (SELECT count(*) FROM pg_class c WHERE c.oid IN (new_table, new_referenced) AND c.relkind = 'p')
          <> (CASE WHEN new_table = new_referenced THEN 1 ELSE 2 END) THEN
      difference := format('%s and %s are not both partitioned tables', new_table::regclass, new_referenced::regclass);
    ELSE
      SELECT regexp_replace(regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', ''), ' NOT ENFORCED$', '') INTO parent
        FROM pg_constraint c
       WHERE c.conrelid = new_table AND c.confrelid = new_referenced AND c.contype = 'f' AND c.conparentid = 0
         AND c.conname = m.constraint_name::name;
      expected := format('FOREIGN KEY (%s) REFERENCES %s(%s)%s', m.columns, new_referenced::regclass, m.referenced_columns, m.actions);
      IF parent IS NOT NULL AND parent <> expected THEN
        difference := format('the parent foreign key is %s, and was %s', parent, expected);
      ELSIF parent IS NOT NULL AND m.state = 'migrated' THEN
        difference := format('the parent foreign key is there, and the ledger says that it was dropped at %s', m.dropped_at);
      ELSIF parent IS NULL AND m.dropped_at IS NULL AND m.state IN ('running', 'paused') THEN
        difference := format('the parent foreign key is missing: ALTER TABLE %s ADD CONSTRAINT %I %s', new_table::regclass, m.constraint_name, m.definition);
      END IF;
    END IF;

    FOR p IN
      SELECT q.*, to_regclass(q.referencing)::oid AS now_referencing, to_regclass(q.referenced)::oid AS now_referenced
        FROM p2pfk.pair q WHERE q.migration_id = m.id ORDER BY q.pair
    LOOP
      IF m.is_here THEN
        p.now_referencing := p.referencing_oid;
        p.now_referenced := p.referenced_oid;
      END IF;
      old_oids := old_oids || p.referencing_oid || p.referenced_oid;
      new_oids := new_oids || coalesce(p.now_referencing, 0::oid) || coalesce(p.now_referenced, 0::oid);
      CONTINUE WHEN difference IS NOT NULL OR m.state = 'rolling-back'
                 OR NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = p.now_referencing)
                 OR NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = p.now_referenced)
                 OR m.state <> 'migrated' AND p.state NOT IN ('added', 'validated');
      SELECT regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', ''), c.convalidated INTO stands, valid
        FROM pg_constraint c
       WHERE c.conrelid = p.now_referencing AND c.confrelid = p.now_referenced AND c.contype = 'f' AND c.conname = p.constraint_name::name;
      expected := format('FOREIGN KEY (%s) REFERENCES %s(%s)%s', m.columns, p.now_referenced::regclass, m.referenced_columns, m.actions);
      IF NOT EXISTS (SELECT FROM pg_partition_ancestors(p.now_referencing) a WHERE a.relid = new_table)
         OR NOT EXISTS (SELECT FROM pg_partition_ancestors(p.now_referenced) a WHERE a.relid = new_referenced) THEN
        difference := format('%s and %s are not partitions of these tables', p.referencing, p.referenced);
      ELSIF stands IS NULL THEN
        difference := format('pair foreign key %I of %s is missing: ALTER TABLE %s ADD CONSTRAINT %I %s', p.constraint_name, p.referencing,
                             p.now_referencing::regclass, p.constraint_name, expected);
      -- Until the drop of a DEFERRABLE parent FK its pair FKs are INITIALLY DEFERRED.
      ELSIF stands NOT IN (expected, regexp_replace(expected, ' DEFERRABLE$', ' DEFERRABLE INITIALLY DEFERRED')) THEN
        difference := format('pair foreign key %I of %s is %s, and was %s', p.constraint_name, p.referencing, stands, expected);
      ELSIF NOT valid AND (m.state = 'migrated' OR p.state = 'validated') THEN
        difference := format('pair foreign key %I of %s is not valid: ALTER TABLE %s VALIDATE CONSTRAINT %I', p.constraint_name, p.referencing,
                             p.now_referencing::regclass, p.constraint_name);
      END IF;
    END LOOP;
    IF difference IS NOT NULL THEN
      RAISE EXCEPTION 'refused, nothing was changed: the ledger cannot be linked to this database, because migration % of % on % (%) differs: %',
                      m.id, regexp_replace(m.constraint_name, unprintable, '?', 'g'), regexp_replace(m.table_name, unprintable, '?', 'g'), m.state,
                      regexp_replace(difference, unprintable, '?', 'g') USING ERRCODE = 'P2F02';
    END IF;
  END LOOP;

  -- Two rows may trade oids, and the unique index looks after each row.
  UPDATE p2pfk.migration g SET table_oid = (2147483647 - g.id)::oid WHERE g.id = ANY (ids);
  UPDATE p2pfk.migration g
     SET table_oid = n.table_oid, referenced_oid = n.referenced_oid, updated_at = now(),
         firing = coalesce((SELECT jsonb_agg(f || jsonb_build_object('relation', coalesce(o.now, 0)))
                              FROM jsonb_array_elements(g.firing) f
                              LEFT JOIN (SELECT DISTINCT ON (x.was) x.was, x.now::bigint AS now
                                           FROM unnest(old_oids, new_oids) AS x(was, now) ORDER BY x.was) o ON o.was = (f ->> 'relation')::oid), '[]')
    FROM unnest(ids, tables, referenceds) AS n(id, table_oid, referenced_oid)
   WHERE g.id = n.id;
  UPDATE p2pfk.pair q
     SET referencing_oid = coalesce(to_regclass(q.referencing)::oid, 0::oid), referenced_oid = coalesce(to_regclass(q.referenced)::oid, 0::oid),
         proof = NULL
   WHERE q.migration_id = ANY (ids);
  IF is_other THEN
    -- Its rows were read there, and not here.
    UPDATE p2pfk.pair q SET proof = NULL WHERE q.proof IS NOT NULL;
    DELETE FROM p2pfk.running;
    UPDATE p2pfk.migration g
       SET state = CASE g.state WHEN 'running' THEN 'paused' ELSE g.state END, execution = 'relinked:' || g.execution, liveness_key = NULL,
           lease_until = now(), approval_asked_at = NULL, approved_at = NULL, approved_by = NULL, approval_reason = NULL, updated_at = now(),
           error = CASE g.state WHEN 'rolling-back' THEN g.error ELSE jsonb_build_object('name', 'ExecutionDied', 'message',
                     format('its execution worked on database "%s" of cluster %s, from which this one was made; run the same migration again to go on, or roll it back',
                            made.database_name, coalesce(made.system_identifier, 'unknown'))) END
     WHERE g.state IN ('running', 'paused', 'rolling-back');
  END IF;
  IF known AND NOT is_other AND ids = '{}' AND made.database_name = here.name
     AND EXISTS (SELECT FROM p2pfk.identity i
                  WHERE i.database_oid = here.oid AND coalesce(i.system_identifier = here.cluster, true) AND i.endpoint = here.endpoint) THEN
    RETURN;
  END IF;
  PERFORM set_config('p2pfk.relinked', 'true', true);
  INSERT INTO p2pfk.identity (system_identifier, database_oid, database_name, endpoint)
  SELECT CASE WHEN is_other OR NOT known THEN here.cluster ELSE coalesce(here.cluster, made.system_identifier) END, here.oid, here.name, here.endpoint;
  INSERT INTO p2pfk.event (migration_id, step, reason)
  SELECT g.id, 'Relink',
         format('the ledger was linked to database "%s" (oid %s) of cluster %s at %s; before to %s', here.name, here.oid, coalesce(here.cluster, 'unknown'), here.endpoint,
                CASE WHEN known THEN format('database "%s" (oid %s) of cluster %s at %s', made.database_name, made.database_oid, coalesce(made.system_identifier, 'unknown'), made.endpoint)
                     ELSE 'none' END)
    FROM p2pfk.migration g WHERE g.state <> 'rolled-back';
END
$relink$;
