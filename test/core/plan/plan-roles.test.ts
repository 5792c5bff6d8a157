/** Roles: who can only read may plan, who owns the tables may migrate, and nobody is surprised in the middle. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import type { TestDatabase } from '../../support/database.ts';
import { coreSession, databaseWith, everything } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

const input = () => ExecutionInput.parse({ table: 'path' });

/** A role of this database alone, that can do what `grants` say. */
async function roleWith(db: TestDatabase, observer: Client, grants: (role: string) => string): Promise<string> {
  const role = `role_${db.name}`;
  await observer.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; ${grants(role)}`);
  return db.urlAs(role, 'secret');
}

const reads = (role: string) => `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`;

const ledgers = async (observer: Client) =>
  (await observer.query(`SELECT FROM pg_namespace WHERE nspname = 'p2pfk'`)).rows.length;

/** Ids of the findings of one severity. */
const ids = (plan: { findings: readonly { id: string; severity: string }[] }, severity: string) =>
  plan.findings.filter((finding) => finding.severity === severity).map((finding) => finding.id);

describe('a role that can only read', () => {
  it('may plan, and is warned of what it lacks to migrate', async () => {
    const { db, observer } = await databaseWith();
    const url = await roleWith(db, observer, reads);
    const before = await everything(observer);

    const plan = await planMigration(await coreSession(url), input());

    expect(ids(plan, 'error')).toEqual([]);
    expect(ids(plan, 'warning')).toEqual(
      expect.arrayContaining(['not-owner', 'not-owner', 'missing-references', 'ledger-privilege']),
    );
    expect(plan.pairs).toHaveLength(3);
    expect(await everything(observer)).toBe(before);
    expect(await ledgers(observer)).toBe(0);
  });

  it('may not migrate: every lack is named, and nothing written', async () => {
    const { db, observer } = await databaseWith();
    process.env.DATABASE_URL = await roleWith(db, observer, reads);
    const before = await everything(observer);

    const refused = new Execution().plan();

    await expect(refused).rejects.toMatchObject({ name: 'PreflightFailed' });
    await expect(refused).rejects.toThrow(
      /\[not-owner\].*public\.path.*\[not-owner\].*public\.inode.*\[missing-references\].*\[ledger-privilege\]/,
    );
    expect(await everything(observer)).toBe(before);
    expect(await ledgers(observer)).toBe(0);
  });

  it('may plan where another role has a ledger that it cannot read', async () => {
    const { db, observer } = await databaseWith();
    await new Execution().migrate('AddForeignKeys');
    const url = await roleWith(db, observer, reads);

    const plan = await planMigration(await coreSession(url), input());

    expect(plan.constraint).toBe('path_fk');
    expect(ids(plan, 'warning')).toContain('ledger-privilege');
  });

  it('that cannot even read gets warnings too', async () => {
    const { db, observer } = await databaseWith();
    const url = await roleWith(db, observer, () => '');

    const plan = await planMigration(await coreSession(url), input());

    expect(ids(plan, 'warning')).toEqual(expect.arrayContaining(['not-owner', 'missing-select']));
  });
});

it('the owner migrates, without being a superuser', async () => {
  const { db, observer } = await databaseWith();
  const url = await roleWith(
    db,
    observer,
    (role) => `
      GRANT CREATE ON DATABASE ${db.name} TO ${role};
      GRANT CREATE ON SCHEMA public TO ${role};
      DO $$ DECLARE t regclass; BEGIN
        FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
          EXECUTE format('ALTER TABLE %s OWNER TO ${role}', t);
        END LOOP; END $$;`,
  );
  const before = await everything(observer);
  process.env.DATABASE_URL = url;

  await new Execution().migrate();
  const back = new Execution();
  await back.plan({ operation: 'rollback' });
  await back.rollBack(null);

  expect(await everything(observer)).toBe(before);
});
