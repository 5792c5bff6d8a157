/** The demo's database: what it holds, what is measured on it, how it is damaged. */
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { StepName } from '../../core/contracts/steps/catalogue.ts';
import { connect } from '../../core/ledger/connect.ts';
import { Damage, damageHooks } from '../../local/demo/damage.ts';
import { startDemo } from '../../local/demo/demo.ts';
import { measure } from '../../local/demo/measure.ts';
import type { Medium } from '../../local/demo/schema.ts';
import type { Handler } from '../../local/engine/engine.ts';
import { handlers } from '../../local/handlers.ts';
import { catalogSnapshot, rowsSnapshot } from '../support/catalog.ts';
import { createDatabase, SOURCE_CASE_ROWS } from '../support/database.ts';

const LARGEST: Medium = {
  mediumHash: 'bb226d2ae226b3e048f486e38c55b3bd',
  inodePartition: 'inode_p_bb226d2a',
  pathPartition: 'path_p_bb226d2a',
  inodes: 500,
  paths: 500,
};

async function sourceCase() {
  const db = await createDatabase('source-case');
  onTestFinished(() => db.drop());
  const client = await connect({ databaseUrl: db.url, applicationName: 'test' });
  onTestFinished(() => client.end());
  return { db, client };
}

/** By hand what a migration does, for the largest pairs' sake. */
async function migrateByHand(client: Client): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(
    `SELECT format('CREATE INDEX ON %1$s (medium_hash, ino); ALTER TABLE %1$s ADD FOREIGN KEY (medium_hash, ino)
                    REFERENCES %2$s (medium_hash, ino) ON DELETE CASCADE', i.inhrelid::regclass,
                   replace(i.inhrelid::regclass::text, 'path_p_', 'inode_p_')) AS statement
     FROM pg_inherits i WHERE i.inhparent = 'public.path'::regclass`,
  );
  for (const { statement } of rows) await client.query(statement);
  await client.query('ALTER TABLE public.path DROP CONSTRAINT path_medium_hash_ino_fkey');
}

describe('the seeded case', () => {
  it('has 17 pairs of Zipf-like size, one inode partition more, a valid parent FK and no index below it', async () => {
    const { client } = await sourceCase();

    const partitions = await client.query(
      `SELECT inhparent::regclass::text AS parent, count(*)::int AS partitions,
              count(*) FILTER (WHERE pg_get_expr(relpartbound, c.oid) ~ '^FOR VALUES IN \\(''[0-9a-f]{32}''\\)$')::int AS hashes
       FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE relkind = 'r' GROUP BY 1 ORDER BY 1`,
    );
    const sizes = await client.query(
      `SELECT c.relname, count(*)::int AS rows FROM public.path p JOIN pg_class c ON c.oid = p.tableoid
       GROUP BY 1 ORDER BY rows DESC`,
    );
    const constraint = await client.query(
      `SELECT pg_get_constraintdef(oid) AS definition, convalidated FROM pg_constraint
       WHERE conrelid = 'public.path'::regclass AND contype = 'f' AND conparentid = 0`,
    );
    const indexes = await client.query(
      `SELECT count(*)::int AS n FROM pg_indexes WHERE tablename ~ '^path_p_' AND indexdef ~ '\\yino\\y'`,
    );

    expect(partitions.rows).toEqual([
      { parent: 'public.inode', partitions: 18, hashes: 18 },
      { parent: 'public.path', partitions: 17, hashes: 17 },
    ]);
    expect(sizes.rows.map(({ relname }) => relname).slice(0, 2)).toEqual(['path_p_bb226d2a', 'path_p_1d7c9dc8']);
    expect(sizes.rows.map(({ rows }) => rows)).toSatisfy((rows: number[]) => {
      const [first = 0, second = 0] = rows;
      return first > 1.9 * second && rows.length === 17 && sum(rows) === SOURCE_CASE_ROWS;
    });
    expect(constraint.rows).toEqual([
      {
        definition: 'FOREIGN KEY (medium_hash, ino) REFERENCES public.inode(medium_hash, ino) ON DELETE CASCADE',
        convalidated: true,
      },
    ]);
    expect(indexes.rows).toEqual([{ n: 0 }]);
  });
});

describe('measurements', () => {
  it('show the parent FK: TRUNCATE empties every partition of path, and no pair can be detached', async () => {
    const { client } = await sourceCase();

    const before = await measure(client, { medium: LARGEST, deleteRows: 20 });

    expect(before.delete).toMatchObject({ partition: 'inode_p_bb226d2a', rows: 20, timedOut: false });
    expect(before.truncate).toMatchObject({ of: 17, rowsLost: SOURCE_CASE_ROWS, summary: 'all 17 path partitions' });
    expect(before.detach).toMatchObject({
      possible: false,
      error: expect.stringMatching(/^removing partition "inode_p_bb226d2a" violates foreign key constraint [^\n]+$/),
    });
  });

  it('show pair FKs: TRUNCATE keeps to its pair, which can be detached and attached again', async () => {
    const { client } = await sourceCase();
    await migrateByHand(client);

    const after = await measure(client, { medium: LARGEST, deleteRows: 20 });

    expect(after.truncate).toMatchObject({ emptied: ['path_p_bb226d2a'], summary: 'path_p_bb226d2a only' });
    expect(after.detach).toMatchObject({ possible: true, error: null });
  });

  it('change nothing', async () => {
    const { client } = await sourceCase();
    const before = [await catalogSnapshot(client), await rowsSnapshot(client)];

    await measure(client, { medium: LARGEST });

    expect([await catalogSnapshot(client), await rowsSnapshot(client)]).toEqual(before);
  });

  it('give a DELETE up at its timeout and say so', async () => {
    const { client } = await sourceCase();
    const { delete: deletion } = await measure(client, { medium: LARGEST, deleteRows: 500, deleteTimeoutMs: 1 });

    expect(deletion).toMatchObject({ rows: 500, timedOut: true, ms: 1 });
  });
});

describe('damage', () => {
  const calls: string[] = [];
  const fakes = Object.fromEntries(
    Object.keys(handlers).map((name): [string, Handler] => [name, async () => calls.push(name)]),
  ) as Record<StepName, Handler>;

  async function hooks(damage: Damage) {
    const { db, client } = await sourceCase();
    const told: string[] = [];
    const wrapped = await damageHooks(damage, db.url, LARGEST, (what) => told.push(what), fakes);
    const call = (name: string) => wrapped[name]?.({}, {} as Parameters<Handler>[1]);
    return { db, client, told, call };
  }

  const orphans = (client: Client) =>
    client
      .query(
        `SELECT count(*)::int AS n FROM public.path p
         WHERE NOT EXISTS (SELECT FROM public.inode i WHERE (i.medium_hash, i.ino) = (p.medium_hash, p.ino))`,
      )
      .then(({ rows }) => rows[0].n);

  it('"orphans" is done before anything runs', async () => {
    const { client, told } = await hooks(Damage.Orphans);

    expect(await orphans(client)).toBe(3);
    expect(told).toEqual([expect.stringMatching(/^Inserted 3 orphaned rows into path_p_bb226d2a/)]);
  });

  it('"gate" is done once, right before the gate', async () => {
    const { client, told, call } = await hooks(Damage.Gate);
    await call('validate-foreign-key');
    expect(await orphans(client)).toBe(0);

    await call('verify-gate');
    await call('verify-gate');

    expect(await orphans(client)).toBe(3);
    expect(told).toHaveLength(1);
  });

  it.each([
    [Damage.Drop, 'drop-parent-foreign-key'],
    [Damage.Verify, 'verify-migration'],
  ])('"%s" drops a pair FK right before %s', async (damage, before) => {
    const { client, call } = await hooks(damage);
    await migrateByHand(client);
    const pairForeignKeys = () =>
      client
        .query(`SELECT count(*)::int AS n FROM pg_constraint WHERE contype = 'f' AND conparentid = 0`)
        .then(({ rows }) => rows[0].n);
    expect(await pairForeignKeys()).toBe(17);

    await call(before);

    expect(await pairForeignKeys()).toBe(16);
  });
});

describe('startDemo', () => {
  it('seeds a server of its own, measures it, and leaves nothing', async () => {
    const said: string[] = [];
    const demo = await startDemo({ rows: 5_000, say: (line) => said.push(line) });
    onTestFinished(() => demo.stop());

    const { truncate } = await demo.measure();
    await demo.stop();

    expect(demo).toMatchObject({ table: 'public.path', rows: 5_000, serverVersion: expect.stringMatching(/^17\./) });
    expect(sum(demo.media.map(({ paths }) => paths))).toBe(5_000);
    expect(truncate.rowsLost).toBe(5_000);
    expect(said.join('\n')).not.toContain(new URL(demo.databaseUrl).password);
    await expect(connect({ databaseUrl: demo.databaseUrl, applicationName: 'test' })).rejects.toThrow();
  });
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
