/**
 * What a database is made of, as text that two moments can be compared by. Everything outside the ledger's schema, with
 * names instead of oids, sorted; whatever PostgreSQL numbers anew at each creation (oids, names of internal triggers)
 * is left out.
 */
import type { Client } from 'pg';

const OUTSIDE_LEDGER = `n.nspname NOT IN ('p2pfk', 'pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_temp'`;

/** Heading -> query with one column `line`. */
const SECTIONS = {
  schemas: `
    SELECT format('%I acl %s', n.nspname, n.nspacl) AS line
    FROM pg_namespace n WHERE ${OUTSIDE_LEDGER}`,
  relations: `
    SELECT format('%s %s kind %s persistence %s owner %s acl %s options %s comment %L%s%s', n.nspname, c.relname,
                  c.relkind, c.relpersistence, c.relowner::regrole, c.relacl, c.reloptions,
                  obj_description(c.oid, 'pg_class'),
                  CASE WHEN c.relkind IN ('p') THEN ' partitioned ' || pg_get_partkeydef(c.oid) END,
                  ' of ' || i.inhparent::regclass || ' ' || pg_get_expr(c.relpartbound, c.oid)) AS line
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE ${OUTSIDE_LEDGER} AND c.relkind NOT IN ('i', 'I')`,
  columns: `
    SELECT format('%s.%s.%s %s %s %s default %s', n.nspname, c.relname, a.attname, a.attnum,
                  format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
                  pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE ${OUTSIDE_LEDGER} AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('i', 'I')`,
  constraints: `
    SELECT format('%s %I: %s references %s valid %s local %s inherited %s parent %s comment %L',
                  k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid), nullif(k.confrelid, 0)::regclass,
                  k.convalidated, k.conislocal, k.coninhcount,
                  (SELECT format('%s %I', p.conrelid::regclass, p.conname) FROM pg_constraint p WHERE p.oid = k.conparentid),
                  obj_description(k.oid, 'pg_constraint')) AS line
    FROM pg_constraint k
    JOIN pg_namespace n ON n.oid = k.connamespace
    WHERE ${OUTSIDE_LEDGER}`,
  indexes: `
    SELECT format('%s valid %s ready %s parent %s comment %L', pg_get_indexdef(x.indexrelid), x.indisvalid, x.indisready,
                  i.inhparent::regclass, obj_description(x.indexrelid, 'pg_class')) AS line
    FROM pg_index x
    JOIN pg_class c ON c.oid = x.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_inherits i ON i.inhrelid = x.indexrelid
    WHERE ${OUTSIDE_LEDGER}`,
  triggers: `
    SELECT format('%s enabled %s', CASE WHEN k.oid IS NOT NULL
                    THEN format('internal on %s for %I of %s calls %s type %s', t.tgrelid::regclass, k.conname,
                                k.conrelid::regclass, t.tgfoid::regproc, t.tgtype)
                    ELSE pg_get_triggerdef(t.oid) END, t.tgenabled) AS line
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint
    WHERE ${OUTSIDE_LEDGER}`,
  functions: `
    SELECT format('%s', p.oid::regprocedure) AS line
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OUTSIDE_LEDGER}`,
} as const;

/**
 * The whole catalog in one consistent look.
 *
 * @example
 * const before = await catalogSnapshot(observer);
 * ...
 * expect(await catalogSnapshot(observer)).toBe(before);
 */
export async function catalogSnapshot(client: Client): Promise<string> {
  const sections: string[] = [];
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  try {
    // Every name is printed with its schema, whatever the session's search_path is.
    await client.query('SET LOCAL search_path = pg_catalog');
    for (const [heading, sql] of Object.entries(SECTIONS)) {
      const { rows } = await client.query<{ line: string }>(sql);
      sections.push(
        `${heading}\n${rows
          .map(({ line }) => `  ${line}`)
          .sort()
          .join('\n')}`,
      );
    }
  } finally {
    await client.query('COMMIT');
  }
  return sections.join('\n');
}

/** Every row of every plain table outside the ledger, as `table: count, digest` lines. For small databases. */
export async function rowsSnapshot(client: Client): Promise<string> {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${OUTSIDE_LEDGER} AND c.relkind = 'r' ORDER BY 1`,
  );
  const lines: string[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query<{ line: string }>(
      `SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), 'none') AS line
       FROM ${name} AS t`,
    );
    lines.push(`${name}: ${rows[0]?.line}`);
  }
  return lines.join('\n');
}
