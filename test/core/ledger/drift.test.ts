/** Commands that write a single thing to the ledger look at its shape first, too: `approve`, and the last psql script. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { approve } from '../../../core/ledger/approve.ts';
import { newLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { refuseDrift } from '../../../core/ledger/schema/state.ts';
import { describeWithPsql, psql, psqlInOrder } from '../../psql/psql.helpers.ts';
import { coreSession, databaseWith, oneRow } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

const DRIFT = 'ALTER TABLE p2pfk.event RENAME COLUMN locks TO keys';
const REPAIR = 'ALTER TABLE p2pfk.event RENAME COLUMN keys TO locks';

it('approve refuses a ledger that is not as its version has it, and an older one', async () => {
  const { db, observer } = await migratedTo('Plan', { approval: 'manual' });
  await observer.query(DRIFT);

  await expect(approve(await coreSession(db.url), { table: 'path' })).rejects.toMatchObject({
    name: 'LedgerVersionRefused',
    message: expect.stringMatching(/column event\.locks is missing/),
  });
  expect(await oneRow(observer, 'SELECT approved_at FROM p2pfk.migration')).toEqual({ approved_at: null });

  await observer.query(`${REPAIR}; UPDATE p2pfk.migration SET approval_asked_at = now()`);
  expect(await approve(await coreSession(db.url), { table: 'path' })).toMatchObject({ state: 'running' });

  const old = await databaseWith();
  await old.observer.query(readFileSync(new URL('edition-version-2.sql', import.meta.url), 'utf8'));
  await expect(approve(await coreSession(old.db.url), { table: 'path' })).rejects.toMatchObject({
    name: 'LedgerVersionRefused',
    message: expect.stringMatching(/is of an older version/),
  });
});

describe('what a role without a right on the schema can put into it', () => {
  it('is no obstacle: extensions of superusers’ code, with tables of theirs, and statistics of its own table', async () => {
    const { observer, role, as } = await intruder();
    await new Execution().migrate('DropParentForeignKey');
    await as('CREATE EXTENSION citext SCHEMA p2pfk; CREATE EXTENSION hstore SCHEMA p2pfk');
    await observer.query(
      `CREATE TABLE p2pfk.of_citext (); GRANT ALL ON p2pfk.of_citext TO PUBLIC; ALTER EXTENSION citext ADD TABLE p2pfk.of_citext`,
    );
    // Servers before CVE-2025-12817 ask for no right on the schema.
    await observer.query(`GRANT CREATE ON SCHEMA p2pfk TO ${role}`);
    await as(`CREATE SCHEMA mine; CREATE TABLE mine.t (a int, b int); CREATE STATISTICS p2pfk.planted ON a, b FROM mine.t;
      ALTER DEFAULT PRIVILEGES IN SCHEMA p2pfk GRANT ALL ON TABLES TO PUBLIC`);
    await observer.query(`REVOKE CREATE ON SCHEMA p2pfk FROM ${role}`);

    const execution = new Execution();
    await execution.plan({ operation: 'rollback' });
    await execution.rollBack(null);

    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'rolled-back' });
  });

  it('is refused, with the extension, its owner and a remedy, where a call of ours could mean it', async () => {
    const { db, observer, role, as } = await intruder();
    await observer.query(newLedger());
    await as('CREATE EXTENSION citext SCHEMA p2pfk');
    const core = await coreSession(db.url);
    await refuseDrift(core);
    await observer.query(
      `CREATE FUNCTION p2pfk.enter(int, text) RETURNS void LANGUAGE sql AS 'SELECT'; ALTER EXTENSION citext ADD FUNCTION p2pfk.enter(int, text)`,
    );

    await expect(refuseDrift(core)).rejects.toMatchObject({
      name: 'LedgerVersionRefused',
      message: expect.stringContaining(
        `not as its version has it: function enter(integer, text) of extension citext, which belongs to ${role} (as a superuser ALTER EXTENSION citext SET SCHEMA ..., or DROP EXTENSION citext), should not be there`,
      ),
    });
    await observer.query('ALTER EXTENSION citext SET SCHEMA public');
    await refuseDrift(core);
  });

  /** A role that may CREATE in the database. */
  async function intruder() {
    const testCase = await databaseWith();
    const { db, observer } = testCase;
    const { role } = await plainRole(testCase);
    await observer.query(`GRANT CREATE ON DATABASE ${db.name} TO ${role}`);
    return { ...testCase, role, as: (sql: string) => observer.query(`SET ROLE ${role}; ${sql}; RESET ROLE`) };
  }
});

describeWithPsql('step 4 of the psql scripts', () => {
  it('refuses such a ledger only where it would write to it, after it has printed its checks', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2', 'step3']);
    await observer.query(DRIFT);

    const refused = await psql(db.url, 'step4');

    expect(refused).toMatchObject({
      code: 3,
      errors: [expect.stringMatching(/column event\.locks is missing/)],
      lines: expect.arrayContaining([expect.stringMatching(/^\[5\/6\].*PASS/)]),
    });
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'paused' });
    await observer.query(REPAIR);
    await psqlInOrder(db.url, ['step4']);
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
    await observer.query(DRIFT);
    expect(await psql(db.url, 'step4')).toMatchObject({ code: 0 });
  });
});
