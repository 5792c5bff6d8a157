/** What preflight finds on the tables; each finding once, with the severity that docs/findings.md says. */
import { describe, expect, it } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { findingsCase, having, makeTables, planOf } from './findings.helpers.ts';

const db = findingsCase();
const tables = (options?: Parameters<typeof makeTables>[1]) => makeTables(db, options);
const plan = (schema: string, values?: Record<string, unknown>) => planOf(db, schema, values);

describe('partitions without a partner', () => {
  it('are an error where they hold rows, even where statistics say that they do not', async () => {
    const schema = await tables({
      more: 'CREATE TABLE p_3 PARTITION OF p FOR VALUES IN (3); ANALYZE p_3; INSERT INTO p VALUES (3, NULL);',
    });

    const planned = await plan(schema);

    expect(planned.findings).toContainEqual(
      having('unpaired-referencing-partition', 'error', /p_3 \(FOR VALUES IN \(3\)\) holds rows/),
    );
    expect(planned.unpaired).toEqual([
      { partition: `${schema}.p_3`, side: 'referencing', rows: 0, decision: expect.stringMatching(/^refused/) },
    ]);
  });

  it('are a warning where they are empty, even where statistics say that they are not', async () => {
    const schema = await tables({
      more: 'CREATE TABLE p_3 PARTITION OF p FOR VALUES IN (3); INSERT INTO p VALUES (3, NULL); ANALYZE p_3; TRUNCATE p_3;',
    });
    await db.client.query(`UPDATE pg_class SET reltuples = 7 WHERE oid = 'p_3'::regclass`);

    const planned = await plan(schema);

    expect(planned.findings).toContainEqual(having('unpaired-empty-partition', 'warning', /p_3 .* is empty/));
    expect(planned.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(planned.unpaired[0]).toMatchObject({
      rows: 7,
      decision: expect.stringMatching(/^left without a foreign key/),
    });
  });

  it('need acceptance where they are empty, and referenced partitions can hold their keys', async () => {
    const schema = await tables({
      more: `CREATE TABLE r_3 PARTITION OF r FOR VALUES IN (3); CREATE TABLE r_4 PARTITION OF r FOR VALUES IN (4);
             CREATE TABLE p_3 PARTITION OF p FOR VALUES IN (3, 4); CREATE TABLE p_5 PARTITION OF p FOR VALUES IN (5);`,
    });

    const unpaired = (await plan(schema)).findings.filter(({ id }) => id === 'unpaired-empty-partition');

    expect(unpaired.map(({ message, needsAcceptance }) => [message.split(' (')[0], needsAcceptance])).toEqual([
      [`referencing partition ${schema}.p_3`, true],
      [`referencing partition ${schema}.p_5`, false],
    ]);
  });

  it('are a mere information on the referenced side', async () => {
    const schema = await tables({ more: 'CREATE TABLE r_3 PARTITION OF r FOR VALUES IN (3);' });

    const planned = await plan(schema);

    expect(planned.findings).toContainEqual(having('unpaired-referenced-partition', 'info', /1 .*r_3/));
  });

  it('leave nothing to do where no two bounds are the same', async () => {
    const schema = await tables({ last: 'ALTER TABLE p DETACH PARTITION p_1; ALTER TABLE p DETACH PARTITION p_2;' });

    expect((await plan(schema)).findings).toContainEqual(
      having('no-pairs', 'error', /no two partitions with the same bound/),
    );
  });
});

describe('indexes', () => {
  it('that are missing are counted', async () => {
    const schema = await tables({ last: 'CREATE INDEX ON p_1 (k, id)' });

    expect((await plan(schema)).findings).toContainEqual(
      having('missing-index', 'info', /^1 referencing partition\(s\) have no index on \(k, id\)/),
    );
  });

  it('that are all there are no finding', async () => {
    const schema = await tables({ last: 'CREATE INDEX ON p (k, id)' });

    expect((await plan(schema)).findings.map(({ id }) => id)).not.toContain('missing-index');
  });

  it('left over INVALID from an interrupted build are dropped first', async () => {
    const schema = await tables({ last: 'CREATE INDEX idx_p_1_fk ON p_1 (k, id)' });
    await db.client.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_p_1_fk'::regclass`);

    const { pairs, statements } = await plan(schema);

    expect(pairs.map(({ hasIndex }) => hasIndex)).toEqual([false, false]);
    expect(
      statements
        .filter(({ step }) => step === 'BuildIndexes')
        .map(({ sql }) => sql)
        .sort(),
    ).toEqual([
      `CREATE INDEX CONCURRENTLY idx_p_1_fk ON ${schema}.p_1 (k, id)`,
      `CREATE INDEX CONCURRENTLY idx_p_2_fk ON ${schema}.p_2 (k, id)`,
      `DROP INDEX CONCURRENTLY IF EXISTS ${schema}.idx_p_1_fk`,
    ]);
  });
});

describe('what an UPDATE does differently afterwards', () => {
  it.each([
    ['ON DELETE CASCADE', 'CASCADE'],
    ['ON DELETE SET NULL', 'SET NULL'],
    ['ON DELETE SET NULL (id)', 'SET NULL'],
    ['ON UPDATE NO ACTION ON DELETE SET DEFAULT', 'SET DEFAULT'],
  ])('is told where the foreign key acts: %s', async (actions, action) => {
    const schema = await tables({ actions });

    const guarded = await plan(schema);
    const unguarded = await plan(schema, { rowMovementGuard: false });

    expect(guarded.findings).toContainEqual(
      having('row-movement', 'warning', new RegExp(`refused, by a trigger.* ON DELETE ${action}`)),
    );
    expect(guarded.statements.map(({ sql }) => sql).join()).toContain('CREATE TRIGGER');
    expect(unguarded.findings).toContainEqual(
      having(
        'row-movement',
        'warning',
        new RegExp(`silently runs ON DELETE ${action} .*--no-row-movement-guard was given`),
      ),
    );
    expect(unguarded.statements.map(({ sql }) => sql).join()).not.toContain('CREATE TRIGGER');
  });

  it('is not told where it merely refuses', async () => {
    const { findings } = await plan(await tables({ actions: 'ON DELETE RESTRICT' }));

    expect(findings.map(({ id }) => id)).not.toContain('row-movement');
    expect(findings).toContainEqual(having('new-partition', 'info', /attached later/));
  });

  it('is told of ON UPDATE too', async () => {
    const { findings } = await plan(await tables({ actions: 'ON UPDATE CASCADE' }));

    expect(findings).toContainEqual(
      having('update-across-partitions', 'warning', /does not follow.* carries out today, is refused/),
    );
  });

  // What parent FK and pair FKs do with such an UPDATE, the property test draws.
  it.each([
    ['ON DELETE CASCADE', []],
    ['ON UPDATE RESTRICT ON DELETE SET NULL', []],
    ['ON DELETE CASCADE DEFERRABLE', ['row-movement']],
    ['ON UPDATE CASCADE ON DELETE CASCADE', ['row-movement']],
    ['ON UPDATE SET NULL', ['update-across-partitions']],
    ['ON UPDATE CASCADE ON DELETE RESTRICT', ['update-across-partitions']],
    ['ON DELETE RESTRICT DEFERRABLE', ['row-movement']],
    ['DEFERRABLE INITIALLY DEFERRED', []],
    ['ON DELETE RESTRICT', []],
  ])('needs acceptance where an UPDATE that works today will fail: %s', async (actions, expected) => {
    const { findings } = await plan(await tables({ actions }));

    const moves = ['row-movement', 'update-across-partitions'];
    expect(findings.flatMap(({ id, needsAcceptance }) => (needsAcceptance && moves.includes(id) ? [id] : []))).toEqual(
      expected,
    );
  });

  it('needs acceptance where the guard is not wanted', async () => {
    const { findings } = await plan(await tables({ actions: 'ON DELETE CASCADE' }), { rowMovementGuard: false });

    expect(findings).toContainEqual(expect.objectContaining({ id: 'row-movement', needsAcceptance: true }));
  });
});

describe('privileges and policies', () => {
  it('of a partition count, not only those of its table', async () => {
    const schema = await tables();
    const [owner, other] = [`owner_${db.db.name}`, `other_${db.db.name}`];
    await db.client.query(`
      CREATE ROLE ${owner} LOGIN PASSWORD 'secret'; CREATE ROLE ${other};
      GRANT ALL ON SCHEMA ${schema} TO ${owner}, ${other};
      ALTER TABLE p OWNER TO ${owner}; ALTER TABLE r OWNER TO ${owner};
      ALTER TABLE p_1 OWNER TO ${owner}; ALTER TABLE r_1 OWNER TO ${owner}; ALTER TABLE r_2 OWNER TO ${owner};
      ALTER TABLE p_2 OWNER TO ${other};`);
    const session = await connect({ databaseUrl: db.db.urlAs(owner, 'secret'), applicationName: 'p2pfk/-/test' });
    try {
      const { findings } = await planMigration(session, ExecutionInput.parse({ table: `${schema}.p` }));

      expect(findings).toContainEqual(
        having('partition-privilege', 'warning', /1 partition\(s\), the first being .*p_2/),
      );
    } finally {
      await session.end();
    }
  });
});

describe('partitions in another tablespace than the database’s own', () => {
  it('are named where an index is built, which lies in the database’s own, whatever default_tablespace says', async () => {
    const tablespace = `Space of ${db.db.name}`;
    const schema = await tables();
    const found = async (values?: Record<string, unknown>) =>
      (await plan(schema, values)).findings.filter(({ id }) => id === 'index-tablespace');
    // In-place tablespaces are of 15 and newer: the folder of the test's own would have to exist.
    await db.client.query('SET allow_in_place_tablespaces = on');
    await db.client.query(`CREATE TABLESPACE "${tablespace}" LOCATION ''`);
    try {
      await db.client.query(`ALTER DATABASE ${db.db.name} SET default_tablespace = '${tablespace}'`);
      expect(await found()).toEqual([]);

      await db.client.query(`ALTER TABLE p_1 SET TABLESPACE "${tablespace}"`);

      expect(await found()).toEqual([having('index-tablespace', 'info', /^1 index.* pg_default, .*p_1$/)]);
      expect(await found({ noIndexes: true })).toEqual([]);
      const session = await connect({ databaseUrl: db.db.url, applicationName: 'p2pfk/-/test' });
      try {
        for (const { step, sql } of (await plan(schema)).statements)
          if (step === 'BuildIndexes') await session.query(sql);
      } finally {
        await session.end();
      }
      const { rows } = await db.client.query(
        `SELECT c.reltablespace FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'p_1'::regclass`,
      );
      expect(rows).toEqual(rows.map(() => ({ reltablespace: 0 })));
      expect(await found()).toEqual([]);
    } finally {
      await db.client.query(`
        ALTER DATABASE ${db.db.name} RESET default_tablespace; DROP SCHEMA ${schema} CASCADE`);
      await db.client.query(`DROP TABLESPACE "${tablespace}"`);
    }
  });
});
