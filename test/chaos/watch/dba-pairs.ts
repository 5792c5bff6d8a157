/**
 * What has become of pairs that a person created and detached meanwhile. One that is attached has its foreign key: the parent FK, or
 * after a migration its own; where it came after the drop, it may have none, and then the audit tells. From one that was detached all
 * that the migration had added is gone, except where it was detached after the drop and the migration stands: its own foreign key
 * then guards it as before.
 */
import type { Client } from 'pg';
import { audit } from '../../../core/drift/find-drift.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { type DbaPair, dbaPair } from '../harness/dba-pair.ts';

interface Standing {
  readonly rows: number;
  readonly pair_fk: boolean;
  readonly parent_fk: boolean;
  readonly ours: number;
}

const STANDING = `
  SELECT (SELECT count(*)::int FROM pg_constraint c
           WHERE c.conrelid = $1::regclass AND c.contype = 'f' AND c.confrelid = $2::regclass AND c.conparentid = 0
             AND c.convalidated
             AND (SELECT count(*) FROM pg_trigger g WHERE g.tgconstraint = c.oid AND g.tgenabled IN ('O', 'A')) = 4) = 1 AS pair_fk,
         EXISTS (SELECT FROM pg_constraint c JOIN pg_constraint p ON p.oid = c.conparentid AND p.conrelid = 'path'::regclass
                  WHERE c.conrelid = $1::regclass AND c.contype = 'f' AND c.confrelid = 'inode'::regclass AND c.convalidated)
           AS parent_fk,
         (SELECT count(*)::int FROM pg_constraint c
           WHERE c.conrelid = $1::regclass AND c.contype = 'f' AND c.confrelid = $2::regclass AND c.conparentid = 0)
         + (SELECT count(*)::int FROM pg_index x WHERE x.indrelid = $1::regclass AND NOT x.indisprimary)
         + (SELECT count(*)::int FROM pg_trigger g
             WHERE g.tgrelid = ANY (ARRAY[$1::regclass, $2::regclass]) AND NOT g.tgisinternal) AS ours`;

/** @param url of the database, for the audit, which opens a session of its own */
export async function checkDbaPairs(
  client: Client,
  pairs: readonly DbaPair[],
  end: 'migrated' | 'original',
  url: string,
): Promise<string[]> {
  const violations: string[] = [];
  for (const pair of pairs) {
    const found = await standing(client, pair);
    const what = `pair ${pair.n} (${JSON.stringify(pair)})`;
    if (found.rows !== 2) violations.push(`I2: ${what} has ${found.rows} rows of 2`);
    if (pair.detached === null) {
      if (end === 'original') {
        if (!found.parent_fk || found.ours > 0)
          violations.push(`I3: ${what} is not as the parent FK has it: ${JSON.stringify(found)}`);
      } else if (!found.pair_fk && (pair.createdUnderParent || !(await isReported(url, pair)))) {
        violations.push(`I1: ${what} has no foreign key, and the audit does not tell: ${JSON.stringify(found)}`);
      }
    } else if (found.ours > 0 && (end === 'original' || pair.detached.underParent)) {
      violations.push(`I3: ${what} has kept what the migration added: ${JSON.stringify(found)}`);
    }
  }
  return violations;
}

async function standing(client: Client, { n }: DbaPair): Promise<Standing> {
  const { referencing, referenced } = dbaPair(n);
  const { rows } = await client.query<Omit<Standing, 'rows'>>(STANDING, [referencing, referenced]);
  const counted = await client.query<{ rows: number }>(
    `SELECT (SELECT count(*) FROM ${referencing})::int + (SELECT count(*) FROM ${referenced})::int AS rows`,
  );
  const [found] = rows;
  if (found === undefined) throw new Error('one row was to be expected');
  return { ...found, rows: counted.rows[0]?.rows ?? 0 };
}

async function isReported(url: string, { n }: DbaPair): Promise<boolean> {
  const client = await connect({ databaseUrl: url, applicationName: 'p2pfk/-/audit' });
  try {
    const audited = await audit(client, { table: 'public.path' });
    const { referencing } = dbaPair(n);
    return audited.some(({ drift }) => drift.some(({ partition }) => partition === `public.${referencing}`));
  } finally {
    await client.end();
  }
}
