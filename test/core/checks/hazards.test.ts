/** What preflight finds on the server, in other sessions and in what was done to the tables before. */
import { describe, expect, it } from 'vitest';
import { readPairing } from '../../../core/catalog/pairs.ts';
import {
  forecastRollback,
  maintenanceMemory,
  mostMemory,
  readServer,
  type Server,
} from '../../../core/catalog/server-facts.ts';
import { type Intent, preflight } from '../../../core/checks/preflight/preflight.ts';
import { checkCapacity, checkMemory } from '../../../core/checks/preflight/server-findings.ts';
import type { Finding } from '../../../core/contracts/documents.ts';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { findingsCase, having, makeTables, planOf } from './findings.helpers.ts';

const db = findingsCase();
const tables = (options?: Parameters<typeof makeTables>[1]) => makeTables(db, options);
const plan = (schema: string, values?: Record<string, unknown>) => planOf(db, schema, values);

describe('the server', () => {
  /** The findings for these tables on another server. */
  async function findingsOn(
    changes: Partial<Server>,
    intent: Intent = 'migrate',
    values: Record<string, unknown> = {},
  ): Promise<Finding[]> {
    const schema = await tables();
    const foreignKey = await resolveForeignKey(db.core, { table: `${schema}.p` }, 'migrate');
    const pairing = await readPairing(db.core, foreignKey);
    const server = { ...(await readServer(db.core)), ...changes };
    const input = ExecutionInput.parse({ table: 'p', ...values });
    return (await preflight(db.core, { server, foreignKey, pairing, input }, intent)).findings;
  }

  it.each<[what: string, changes: Partial<Server>, id: string, severity: string]>([
    ['too old', { version: '12.22', version_num: 120_022 }, 'server-version', 'error'],
    ['with bugs that were fixed since', { version: '17.0', version_num: 170_000 }, 'minor-version-bugs', 'warning'],
    ['with a bug that stayed', { version: '14.23', version_num: 140_023 }, 'minor-version-bugs', 'info'],
    ['not the newest of its line', { version: '16.10', version_num: 160_010 }, 'old-minor-version', 'info'],
    ['a standby', { in_recovery: true }, 'read-only-server', 'error'],
    ['with a small lock table', { lock_table_capacity: 30 }, 'lock-table-capacity', 'error'],
    [
      'with a lock table too small to attach',
      { version_num: 170_000, lock_table_capacity: 50 },
      'blocking-rollback',
      'error',
    ],
    ['with room enough', { version_num: 170_000, lock_table_capacity: 100 }, 'rollback-strategy', 'info'],
    [
      '18, where attaching needs no room',
      { version_num: 180_000, lock_table_capacity: 50 },
      'rollback-strategy',
      'info',
    ],
    ['whose ledger is another’s', { ledger_exists: true, can_use_ledger: false }, 'ledger-privilege', 'error'],
  ])('%s', async (_, changes, id, severity) => {
    expect(await findingsOn(changes)).toContainEqual(having(id, severity, /./));
  });

  it('may block writes in a rollback where the operator says so', async () => {
    const small = { version_num: 170_000, lock_table_capacity: 50 };

    const findings = await findingsOn(small, 'migrate', { allowBlockingRollback: true });

    expect(findings.map(({ id }) => id)).not.toContain('blocking-rollback');
    expect(findings).toContainEqual(having('rollback-strategy', 'info', /every row is checked while writes wait/));
  });

  it('may plainly re-add the parent foreign key where that is allowed and shorter than to attach', async () => {
    const server = { ...(await readServer(db.core)), version_num: 170_000, lock_table_capacity: 10_000_000 };
    const strategyOf = (pairs: number, rows: number, allowBlockingRollback: boolean) =>
      forecastRollback(server, { pairs, rows, allowBlockingRollback }).strategy;

    expect(strategyOf(256, 5_000, true)).toBe('blocking');
    expect(strategyOf(256, 5_000, false)).toBe('attach');
    // Every row costs; the attach reads none.
    expect(strategyOf(256, 16_000_000, true)).toBe('attach');
    expect(strategyOf(17, 5_000, true)).toBe('attach');
    expect(
      forecastRollback({ ...server, version_num: 180_000 }, { pairs: 256, rows: 5, allowBlockingRollback: true })
        .strategy,
    ).toBe('not-valid');
  });

  it('tells of a long attach that a plain re-add would be shorter', async () => {
    const schema = await tables();
    const foreignKey = await resolveForeignKey(db.core, { table: `${schema}.p` }, 'migrate');
    const { pairs, ...rest } = await readPairing(db.core, foreignKey);
    const [pair] = pairs;
    if (!pair) throw new Error('no pair');
    const server = { ...(await readServer(db.core)), version_num: 170_000, lock_table_capacity: 10_000_000 };
    const remedyOf = (rows: number) => {
      const pairing = { ...rest, pairs: Array.from({ length: 256 }, () => ({ ...pair, rows })) };
      return checkCapacity({ server, foreignKey, pairing, input: ExecutionInput.parse({ table: 'p' }) }).find(
        ({ id }) => id === 'rollback-strategy',
      )?.remedy;
    };

    expect(remedyOf(20)).toContain('with --allow-blocking-rollback it would be the plain re-add');
    expect(remedyOf(1_000_000)).not.toContain('--allow-blocking-rollback');
  });

  it('refuses more memory for all pairs side by side than half of what it has, and limits what the ledger asks for', async () => {
    const server = await readServer(db.core);
    const small = { ...server, effective_cache_size: 4 * 2 ** 30, maintenance_work_mem: 64 * 2 ** 20 };
    const on = (maintenanceWorkMemMb: number, maxConcurrency: number, changes: Partial<Server> = {}) => {
      const input = ExecutionInput.parse({ table: 'p', maintenanceWorkMemMb, maxConcurrency });
      return checkMemory({ server: { ...small, ...changes }, input }).map(({ severity }) => severity);
    };

    expect(on(65_536, 40)).toEqual(['error']);
    expect(on(512, 4)).toEqual([]);
    expect(on(513, 4)).toEqual(['error']);
    expect(on(65_536, 1, { effective_cache_size: 128 * 2 ** 30 })).toEqual([]);
    expect((await findingsOn({}, 'migrate', { maintenanceWorkMemMb: 65_536 })).map(({ id }) => id)).toContain(
      'maintenance-memory',
    );
    // What the server gives each session is its DBA's word.
    expect(on(1024, 40, { maintenance_work_mem: 2 ** 30 })).toEqual([]);

    const asked = { maintenanceWorkMemMb: 65_536, maxConcurrency: 40 };
    expect(await maintenanceMemory(db.core, asked)).toBe(mostMemory(server, 40));
    expect(await maintenanceMemory(db.core, { ...asked, maintenanceWorkMemMb: 8 })).toBe(8);
  });

  it('warns where so many pairs may not be dropped within the lock budget', async () => {
    const ids = async (lockTimeoutMs: number) =>
      (await findingsOn({}, 'migrate', { lockTimeoutMs })).map(({ id }) => id);

    expect(await ids(10)).toContain('drop-lock-budget');
    expect(await ids(500)).not.toContain('drop-lock-budget');
  });

  it('warns where writes would wait longer than the lock budget for the parent foreign key to come back', async () => {
    const found = (lockTimeoutMs: number) => findingsOn({ version_num: 170_000 }, 'migrate', { lockTimeoutMs });

    expect(await found(10)).toContainEqual(having('rollback-strategy', 'warning', /writes wait about 20 ms/));
    expect(await found(500)).toContainEqual(having('rollback-strategy', 'info', /writes wait about 20 ms/));
  });

  it('gives errors first', async () => {
    const findings = await findingsOn({ version_num: 120_000, lock_table_capacity: 30 });

    const order = ['error', 'warning', 'info'];
    expect(findings.map(({ severity }) => order.indexOf(severity))).toEqual(
      findings.map(({ severity }) => order.indexOf(severity)).sort(),
    );
    expect(new Set(findings.map(({ id }) => id)).size).toBe(findings.length);
  });
});

it('a pair FK that is gone where there is no parent FK is an error', async () => {
  const schema = await tables({
    last: `
      ALTER TABLE p DROP CONSTRAINT p_fk;
      ALTER TABLE p_1 ADD FOREIGN KEY (k, id) REFERENCES r_1;`,
  });

  expect((await plan(schema)).findings).toContainEqual(
    having('pair-foreign-key-missing', 'error', /1 pair\(s\) have no valid, enforced .*p_2/),
  );
});

describe('what stands in the way, or behaves differently than one thinks', () => {
  it.each([
    ['a disabled trigger of the parent FK', 'disabled-trigger', 'error', 'ALTER TABLE p_1 DISABLE TRIGGER ALL', /p_1/],
    [
      'a trigger that the DELETE probe would fire',
      'probe-trigger',
      'info',
      `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
       CREATE TRIGGER mine BEFORE DELETE ON r FOR EACH ROW EXECUTE FUNCTION f()`,
      /r_1 \(mine\)/,
    ],
    ['a publication', 'publication', 'info', 'CREATE PUBLICATION pub FOR TABLE p_2', /p_2 \(pub\)/],
    [
      'an INVALID index',
      'invalid-index',
      'warning',
      `CREATE INDEX broken ON p_1 (id); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass`,
      /p_1 \(broken\)/,
    ],
    [
      'a child constraint that a bug has lost',
      'broken-children',
      'error',
      `DELETE FROM pg_constraint WHERE conrelid = 'p'::regclass AND confrelid = 'r_1'::regclass`,
      /partitions: \S+\.r_1 \(p_fk of \S+\.p\)$/,
    ],
    [
      'a detached partition whose foreign key a bug has disarmed',
      'unenforced-foreign-key',
      'warning',
      `ALTER TABLE p DETACH PARTITION p_2; DELETE FROM pg_constraint WHERE conrelid = 'p_2'::regclass AND confrelid = 'r_1'::regclass`,
      /tables: \S+\.r_1 \(\w+ of \S+\.p_2\);/,
    ],
    [
      'a foreign key that says the same',
      'identical-foreign-key',
      'error',
      'ALTER TABLE p ADD CONSTRAINT p_again FOREIGN KEY (k, id) REFERENCES r (k, id)',
      /p \(p_again\)/,
      { constraint: 'p_fk' },
    ],
    [
      'a foreign key of a partition that says the same',
      'identical-foreign-key',
      'error',
      'ALTER TABLE p_2 ADD CONSTRAINT p_again FOREIGN KEY (k, id) REFERENCES r (k, id)',
      /p_2 \(p_again\)/,
    ],
    [
      'a comment on a child of the parent FK',
      'child-constraint',
      'info',
      `COMMENT ON CONSTRAINT p_fk ON p_2 IS 'mine'`,
      /: \S+\.p_2 \(constraint p_fk, with a comment\)$/,
    ],
    [
      'a child of the parent FK above the leaves, with a name of its own',
      'child-constraint',
      'info',
      `CREATE TABLE p_3 (k int, id int, CONSTRAINT mine FOREIGN KEY (k, id) REFERENCES r) PARTITION BY LIST (id);
       CREATE TABLE p_3_1 PARTITION OF p_3 FOR VALUES IN (1); ALTER TABLE p ATTACH PARTITION p_3 FOR VALUES IN (3)`,
      /: \S+\.p_3 \(constraint mine\)$/,
    ],
    [
      'a child of the parent FK that references a partition, with a comment',
      'child-constraint',
      'info',
      `DO $$ DECLARE child name; BEGIN
         SELECT conname INTO child FROM pg_constraint WHERE conrelid = 'p'::regclass AND confrelid = 'r_1'::regclass;
         EXECUTE format('COMMENT ON CONSTRAINT %I ON p IS ''mine''', child); END $$`,
      /: \S+\.p \(constraint \S+, with a comment\)$/,
    ],
    [
      'a child of the parent FK that references a partition of a partition',
      'child-constraint',
      'info',
      'CREATE TABLE r_3 PARTITION OF r FOR VALUES IN (3) PARTITION BY LIST (id); CREATE TABLE r_3_1 PARTITION OF r_3 FOR VALUES IN (1)',
      /: \S+\.p \(constraint \S+\)$/,
    ],
  ])('%s', async (_, id, severity, last, message, values?: { constraint: string }) => {
    const { findings } = await plan(await tables({ last }), values);

    expect(findings).toContainEqual(having(id, severity, message));
  });

  it('rows for which no foreign key fires: of a subscription, of a role that begins as a replica', async () => {
    const schema = await tables();
    const database = db.db.name;
    await db.client.query(`
      CREATE SUBSCRIPTION sub CONNECTION 'dbname=nowhere' PUBLICATION pub WITH (connect = false);
      INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate)
        SELECT oid, 'p_1'::regclass, 'r' FROM pg_subscription WHERE subname = 'sub';
      CREATE ROLE loader; ALTER ROLE loader IN DATABASE ${database} SET session_replication_role = replica;`);
    try {
      const { findings } = await plan(schema);

      expect(findings).toContainEqual(having('unchecked-writes', 'warning', /\.p_1 \(filled by a subscription\)/));
      const setting = `role loader in database ${database} \\(session_replication_role = replica\\)`;
      expect(findings).toContainEqual(having('unchecked-writes', 'warning', new RegExp(setting)));
    } finally {
      await db.client.query(
        'DROP ROLE loader; ALTER SUBSCRIPTION sub DISABLE; ALTER SUBSCRIPTION sub SET (slot_name = NONE)',
      );
      await db.client.query('DROP SUBSCRIPTION sub');
    }
  });

  it('what a bug of old minor versions has left of a foreign key of a table to itself', async () => {
    const schema = await tables({
      last: `ALTER TABLE p DROP CONSTRAINT p_fk; DROP TABLE p; ALTER TABLE r RENAME TO p; ALTER TABLE p ADD COLUMN up int;
        ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, up) REFERENCES p (k, id);`,
    });
    expect((await plan(schema)).findings.map(({ id }) => id)).not.toContain('broken-children');
    // Before 17.5, 16.9, 15.13, 14.18 and 13.21 a partition that came after the foreign key never got this one.
    await db.client.query(`DELETE FROM pg_constraint WHERE conrelid = 'p'::regclass AND confrelid = 'r_2'::regclass`);

    expect((await plan(schema)).findings).toContainEqual(having('broken-children', 'error', /partitions: \S+\.r_2 \(/));
  });

  it('nothing of it where partitions were detached and attached again, on both sides', async () => {
    const schema = await tables({
      last: `
        ALTER TABLE p DETACH PARTITION p_2; ALTER TABLE r DETACH PARTITION r_2;
        ALTER TABLE r ATTACH PARTITION r_2 FOR VALUES IN (2); ALTER TABLE p ATTACH PARTITION p_2 FOR VALUES IN (2);`,
    });

    const { findings } = await plan(schema);

    expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
  });
});

describe('a limit on the age of snapshots', () => {
  const ROWS = 450_000_000;

  async function limited(values: Record<string, unknown>): Promise<Finding[]> {
    const schema = await tables();
    const foreignKey = await resolveForeignKey(db.core, { table: `${schema}.p` }, 'migrate');
    const { pairs, ...rest } = await readPairing(db.core, foreignKey);
    const pairing = { ...rest, pairs: pairs.map((pair, index) => ({ ...pair, rows: index === 0 ? ROWS : 0 })) };
    const input = ExecutionInput.parse({ table: 'p', ...values });
    const { findings } = await preflight(
      db.core,
      { server: await readServer(db.core), foreignKey, pairing, input },
      'migrate',
    );
    return findings.filter(({ id }) => id === 'snapshot-age');
  }

  it('asks before a step that is expected to exceed it, which cannot be split', async () => {
    const findings = await limited({ maxSnapshotAgeSeconds: 900 });

    expect(findings).toMatchObject([
      {
        severity: 'warning',
        needsAcceptance: true,
        message: expect.stringMatching(/^the validation of .* limit of 900 s/),
      },
    ]);
  });

  it('counts the count, too, where rows are counted before the drop', async () => {
    const messages = (await limited({ maxSnapshotAgeSeconds: 400, proofMaxAgeSeconds: 0 })).map(
      ({ message }) => message,
    );

    expect(messages).toHaveLength(3);
    expect(messages[2]).toMatch(/^the count of the orphans of /);
  });

  it.each([{}, { maxSnapshotAgeSeconds: 1_001 }])('has nothing to say with %o', async (values) => {
    expect(await limited(values)).toEqual([]);
  });
});
