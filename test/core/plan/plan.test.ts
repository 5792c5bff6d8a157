/** The plan: what it says, that it asks little, and that it changes nothing, whoever asks. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { waitUntil } from '../../support/observe.ts';
import { coreSession, databaseWith, everything, oneRow } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';

const input = (values: Record<string, unknown> = {}) => ExecutionInput.parse({ table: 'path', ...values });

const ledgers = async (observer: Client) =>
  (await observer.query(`SELECT FROM pg_namespace WHERE nspname = 'p2pfk'`)).rows.length;

/** Ids of the findings of one severity. */
const ids = (plan: { findings: readonly { id: string; severity: string }[] }, severity: string) =>
  plan.findings.filter((finding) => finding.severity === severity).map((finding) => finding.id);

describe('the document', () => {
  it('says what there is, what is missing, and every statement in its order', async () => {
    const { db } = await databaseWith();

    const plan = await planMigration(await coreSession(db.url), input());

    expect(plan).toMatchObject({
      table: 'public.path',
      referencedTable: 'public.inode',
      constraint: 'path_fk',
      definition: 'FOREIGN KEY (medium, ino) REFERENCES inode(medium, ino) ON DELETE CASCADE',
      serverVersion: expect.stringMatching(/^\d+\.\d+/),
      unpaired: [
        {
          partition: 'public.inode_4',
          side: 'referenced',
          rows: 40,
          decision: expect.stringContaining('left as it is'),
        },
      ],
    });
    expect(plan.pairs[0]).toEqual({
      referencing: 'public.path_1',
      referenced: 'public.inode_1',
      bound: "FOR VALUES IN ('one')",
      rows: 400,
      bytes: expect.any(Number),
      hasIndex: false,
      pairConstraint: 'fk_path_to_inode_1',
    });
    expect(plan.statements.map(({ step }) => step)).toEqual([
      ...Array(3).fill('BuildIndexes'),
      ...Array(9).fill('AddForeignKeys'),
      ...Array(6).fill('ValidateForeignKeys'),
      ...plan.statements.slice(18).map(() => 'DropParentForeignKey'),
    ]);
    expect(plan.statements.slice(3, 6).map(({ sql }) => sql)).toEqual([
      'LOCK TABLE ONLY public.inode_1, ONLY public.path_1 IN SHARE ROW EXCLUSIVE MODE',
      expect.stringMatching(/^CREATE TRIGGER "~p2pfk_row_movement_guard_1" BEFORE UPDATE ON public\.inode_1 /),
      'ALTER TABLE public.path_1 ADD CONSTRAINT fk_path_to_inode_1 FOREIGN KEY (medium, ino) REFERENCES public.inode_1 (medium, ino) ON DELETE CASCADE NOT VALID',
    ]);
    expect(plan.estimate).toMatchObject({ rows: 440, seconds: expect.any(Number) });
  });

  it('has what the application writes, and how many partitions a session locks for it', async () => {
    const { db, observer } = await databaseWith();
    const application = await db.client();
    await application.query(`INSERT INTO path SELECT 'one', 1, 'a name' FROM generate_series(1, 60)`);
    await application.query(`DELETE FROM inode WHERE medium = 'two' AND ino <= 20`);
    // The end of a session counts what it wrote.
    await application.end();
    await waitUntil(async () => {
      const { rows } = await observer.query<{ counted: boolean }>(
        'SELECT sum(n_tup_ins) = 60 AND sum(n_tup_del) = 40 AS counted FROM pg_stat_user_tables',
      );
      return rows[0]?.counted;
    }, 'the statistics to have what was written');

    const { writes } = (await planMigration(await coreSession(db.url), input())).estimate;

    expect((writes?.insertsPerSecond ?? 0) / (writes?.deletesPerSecond ?? 0)).toBeCloseTo(60 / 20, 6);
    expect(Date.parse(writes?.since ?? '')).toBeLessThanOrEqual(Date.now());
    // inode_4 has no partner, and is locked as well.
    expect(writes).toMatchObject({ partitionsLocked: 7, partitionsLockedAfter: 2 });
  });

  it('names only what is left to do', async () => {
    const { db, observer } = await databaseWith();
    await observer.query(`
      CREATE INDEX ON path_1 (medium, ino);
      ALTER TABLE path_2 ADD FOREIGN KEY (medium, ino) REFERENCES inode_2 ON DELETE CASCADE;
      ALTER TABLE path_3 ADD FOREIGN KEY (medium, ino) REFERENCES inode_3 ON DELETE CASCADE NOT VALID;`);

    const { statements } = await planMigration(await coreSession(db.url), input());

    const texts = (step: string) => statements.filter((statement) => statement.step === step).map(({ sql }) => sql);
    expect(texts('BuildIndexes')).toHaveLength(2);
    expect(texts('AddForeignKeys').join()).not.toMatch(/path_2|path_3/);
    expect(texts('ValidateForeignKeys').join()).not.toMatch(/path_2/);
    expect(texts('ValidateForeignKeys').join()).toContain('VALIDATE CONSTRAINT path_3_medium_ino_fkey');
  });

  it('of what is migrated has nothing left to do', async () => {
    const { db } = await migratedTo('VerifyMigration');

    const plan = await planMigration(await coreSession(db.url), input());

    expect(plan).toMatchObject({ constraint: 'path_fk', statements: [] });
    expect(plan.estimate.writes).toBeUndefined();
    expect(ids(plan, 'error')).toEqual([]);
  });
});

describe('nothing is written', () => {
  it('by plan, and by a dry run', async () => {
    const { db, observer } = await databaseWith();
    const before = await everything(observer);

    const plan = await planMigration(await coreSession(db.url), input());
    const dryRun = await new Execution().plan({ dryRun: true });

    expect(dryRun).toMatchObject({
      status: 'DRY_RUN',
      migrationId: null,
      pairs: plan.pairs.map((_, n) => ({ pair: n + 1 })),
    });
    expect(await everything(observer)).toBe(before);
    expect(await ledgers(observer)).toBe(0);
  });

  it('by plan in a session that may only read', async () => {
    const { db } = await databaseWith();
    const core = await coreSession(db.url);
    await core.query('SET default_transaction_read_only = on');

    await expect(planMigration(core, input())).resolves.toMatchObject({ constraint: 'path_fk' });
  });

  it('by a migration that is refused', async () => {
    const { observer } = await databaseWith();
    await observer.query(
      `CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine'); INSERT INTO path VALUES ('nine', NULL, 'x')`,
    );
    const before = await everything(observer);

    const refused = new Execution().plan();

    await expect(refused).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: expect.stringMatching(/^refused, nothing was changed: \[unpaired-referencing-partition\] .*path_9/),
    });
    expect(await everything(observer)).toBe(before);
    expect(await ledgers(observer)).toBe(0);
  });
});

describe('the forecast of what the long steps cost others', () => {
  it('names the largest pair of each kind of step that is left', async () => {
    const { db } = await databaseWith();
    const core = await coreSession(db.url);

    const { estimate } = await planMigration(core, input({ approval: 'manual' }));

    expect(estimate.snapshots).toEqual([
      { step: 'index', referencing: 'public.path_1', seconds: 400 / 1_000_000 },
      { step: 'validate', referencing: 'public.path_1', seconds: 400 / 450_000 },
      { step: 'count', referencing: 'public.path_1', seconds: 400 / 900_000 },
    ]);
  });

  it('has only what is left, and no WAL of indexes that are not built', async () => {
    const { db } = await migratedTo('AddForeignKeys');
    const core = await coreSession(db.url);

    const { estimate } = await planMigration(core, input());

    expect(estimate.snapshots.map(({ step }) => step)).toEqual(['validate']);
    expect(estimate.indexWalBytes).toBeUndefined();
  });

  it('has about as much WAL as the indexes are large that are built', async () => {
    const { db, observer } = await databaseWith(`
      CREATE TABLE r (k text, id bigint, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
      CREATE TABLE p (k text, id bigint, note text) PARTITION BY LIST (k);
      CREATE TABLE r_1 PARTITION OF r FOR VALUES IN ('a key of some length');
      CREATE TABLE p_1 PARTITION OF p FOR VALUES IN ('a key of some length');
      INSERT INTO r SELECT 'a key of some length', n FROM generate_series(1, 20000) AS n;
      INSERT INTO p SELECT k, id, repeat('x', 100) FROM r;
      ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, id) REFERENCES r;
      ANALYZE;`);
    const core = await coreSession(db.url);

    const { estimate } = await planMigration(core, input({ table: 'p' }));

    await observer.query('CREATE INDEX i ON p_1 (k, id)');
    const { size } = await oneRow<{ size: number }>(observer, "SELECT pg_relation_size('i')::int AS size");
    expect((estimate.indexWalBytes ?? 0) / size).toBeGreaterThan(0.8);
    expect((estimate.indexWalBytes ?? 0) / size).toBeLessThan(1.25);
  });
});

it('a plan asks the same number of questions for 5 pairs as for 40', async () => {
  const { db, observer } = await databaseWith('');
  const core = await coreSession(db.url);
  const counts: number[] = [];
  for (const pairs of [5, 40]) {
    const all = Array.from({ length: pairs }, (_, n) => n);
    await observer.query(`
      CREATE SCHEMA s${pairs}; SET search_path = s${pairs};
      CREATE TABLE r (k int, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
      CREATE TABLE p (k int, id int) PARTITION BY LIST (k);
      ${all.map((n) => `CREATE TABLE r_${n} PARTITION OF r FOR VALUES IN (${n}); CREATE TABLE p_${n} PARTITION OF p FOR VALUES IN (${n});`).join('')}
      ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, id) REFERENCES r;`);

    counts.push(
      await queriesOf(core, async () => {
        const plan = await planMigration(core, input({ table: `s${pairs}.p` }));
        expect(plan.pairs).toHaveLength(pairs);
      }),
    );
  }

  expect(counts[1]).toBe(counts[0]);
  expect(counts[0]).toBeGreaterThan(5);
});

/** Messages that the session sends while `work` runs. */
async function queriesOf(client: Client, work: () => Promise<void>): Promise<number> {
  const query = client.query;
  let count = 0;
  client.query = ((...args: Parameters<typeof query>) => {
    count++;
    return query.apply(client, args);
  }) as typeof query;
  try {
    await work();
  } finally {
    client.query = query;
  }
  return count;
}
