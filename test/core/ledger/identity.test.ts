/** No command acts on, or certifies, another database than the one that was meant: restored dumps, copies, other ways in. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { verifyTable } from '../../../core/checks/verification.ts';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { audit } from '../../../core/drift/find-drift.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { approve } from '../../../core/ledger/approve.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { readTrail } from '../../../core/ledger/read-trail.ts';
import { readIdentity } from '../../../core/ledger/schema/identity.ts';
import { relink } from '../../../core/ledger/schema/relink.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { provision } from '../../../core/provision/provision-pair.ts';
import { reconcile } from '../../../core/steps/operations/reconcile.ts';
import { coreSession, foreignKeys, oneRow } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { migratedPath, otherEndpoint, restoredDump, TO_VERSION_2, templateCopy, working } from './restore.helpers.ts';

/** Everything that uses a row of the ledger, by name. */
function uses(core: Client, table: string): Record<string, () => Promise<unknown>> {
  const bound = "FOR VALUES IN ('three')";
  const quiet = { debug: () => {}, info: () => {}, warn: () => {} };
  return {
    plan: () => planMigration(core, ExecutionInput.parse({ table })),
    migrate: () => new Execution().plan({ table }),
    rollback: () => new Execution().plan({ table, operation: 'rollback' }),
    approve: () => approve(core, { table }),
    verify: () => verifyTable(core, { table }),
    audit: () => audit(core, {}),
    'audit --fix': () => auditAndRepair(core, { lockTimeoutMs: 10_000 }),
    provision: () => provision(core, { table, bound, dryRun: false, lockTimeoutMs: 10_000 }),
    report: () => readTrail(core, '1', 'here'),
    reconcile: () =>
      reconcile(
        {
          client: core,
          logger: quiet,
          remainingMs: () => 60_000,
          openSession: () => Promise.reject(new Error()),
          closeSession: () => Promise.reject(new Error()),
        },
        { execution: 'any', reason: 'FAILED' },
      ),
  };
}

async function expectRefusals(core: Client, table: string, words: RegExp): Promise<void> {
  for (const [name, use] of Object.entries(uses(core, table))) {
    const said = await use().then(
      (result) => `${name} was not refused: ${JSON.stringify(result)}`,
      (error: Error) => `${error.name}: ${error.message}`,
    );
    expect(said, name).toMatch(/^LedgerElsewhere: refused, nothing was changed/);
    expect(said, name).toMatch(words);
  }
}

/** As a restore may have it: the oid of the migrated table is that of another one now. */
async function collide(observer: Client): Promise<void> {
  await observer.query(`UPDATE p2pfk.migration SET table_oid = 'other'::regclass, referenced_oid = 'inode'::regclass`);
}

describe('a restored dump', () => {
  it('is refused by every command, until --relink has compared it; then it can be rolled back', async () => {
    const { observer: original } = await migratedPath();
    const { db, observer } = await restoredDump(original);
    working(db);
    await collide(observer);
    const core = await coreSession(db.url);
    const before = await foreignKeys(observer);
    // The guard came along: its name, its function and its WHEN clause mean the same.
    await expect(observer.query("UPDATE inode_1 SET medium = 'two', ino = 99 WHERE ino = 1")).rejects.toThrow(
      /would move a row of "inode_1"/,
    );

    await expectRefusals(core, 'other', /audit --relink/);
    await expectRefusals(core, 'path', /belongs to database "test_clone_\w+".+and this is database "test_empty_\w+"/);
    expect(await foreignKeys(observer)).toEqual(before);

    await observer.query('ALTER TABLE path_2 DROP CONSTRAINT fk_path_to_inode_2');
    await expect(relink(core)).rejects.toThrow(
      /^refused, nothing was changed: .+ migration 1 of path_fk on public\.path \(migrated\) differs: pair foreign key fk_path_to_inode_2 of public\.path_2 is missing: ALTER TABLE public\.path_2 ADD CONSTRAINT fk_path_to_inode_2 FOREIGN KEY/,
    );
    await observer.query(
      'ALTER TABLE path_2 ADD CONSTRAINT fk_path_to_inode_2 FOREIGN KEY (medium, ino) REFERENCES inode_2 ON DELETE SET NULL',
    );
    await expect(relink(core)).rejects.toThrow(
      /fk_path_to_inode_2 of public\.path_2 is .+ SET NULL, and was .+ CASCADE/,
    );
    await observer.query(`ALTER TABLE path_2 DROP CONSTRAINT fk_path_to_inode_2;
      ALTER TABLE path_2 ADD CONSTRAINT fk_path_to_inode_2 FOREIGN KEY (medium, ino) REFERENCES inode_2 ON DELETE CASCADE`);

    expect(await relink(core)).toMatchObject({ changed: true, identity: { database: db.name } });
    expect(await relink(core)).toMatchObject({ changed: false });
    expect((await verifyTable(core, { table: 'path' })).passed).toBe(true);
    expect((await audit(core, {})).flatMap(({ drift }) => drift)).toEqual([]);
    const execution = new Execution();
    expect(await execution.plan({ operation: 'rollback' })).toMatchObject({ status: 'ROLLBACK_REQUESTED' });
    await execution.rollBack(null);
    expect(await foreignKeys(observer)).toEqual([
      expect.stringMatching(/^other other_fk /),
      expect.stringMatching(
        /^path path_fk FOREIGN KEY \(medium, ino\) REFERENCES inode\(medium, ino\) ON DELETE CASCADE valid t/,
      ),
    ]);
  });

  it('is refused before the drop as well, and with --relink its migration goes on', async () => {
    const { observer: original } = await migratedPath('ValidateForeignKeys');
    const { db, observer } = await restoredDump(original);
    working(db);
    await observer.query('ALTER TABLE path DROP CONSTRAINT path_fk');
    await expect(new Execution().plan()).rejects.toThrow(/belongs to database/);
    await expect(new Execution().plan({ relink: true })).rejects.toThrow(
      /the parent foreign key is missing: ALTER TABLE public\.path ADD CONSTRAINT path_fk/,
    );
    await observer.query(
      'ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE',
    );
    const execution = new Execution();
    expect(await execution.plan({ relink: true })).toMatchObject({ status: 'PLANNED', migrationId: '1' });
    expect(await oneRow(observer, 'SELECT count(proof)::int AS proofs FROM p2pfk.pair')).toEqual({ proofs: 0 });
    await execution.runUntil('VerifyMigration');
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
    expect(await oneRow(observer, "SELECT count(*)::int AS noted FROM p2pfk.event WHERE step = 'Relink'")).toEqual({
      noted: 1,
    });
  });
});

describe('a copy with the same oids', () => {
  it('belongs to nobody who worked on the original: neither their steps nor their approval count', async () => {
    const original = await migratedPath('ValidateForeignKeys');
    const { execution } = original;
    await original.observer.query('UPDATE p2pfk.migration SET approved_at = now(), approved_by = current_user');
    const session = await connect({ databaseUrl: original.db.url, applicationName: 'test' });
    execution.database = await readIdentity(session);
    await session.end();
    const copy = await templateCopy(original);
    working(copy.db);
    const core = await coreSession(copy.db.url);

    await expectRefusals(core, 'path', /belongs to database/);
    const proofs = 'SELECT count(proof)::int AS proofs FROM p2pfk.pair';
    expect(await oneRow(copy.observer, proofs)).toEqual({ proofs: 2 });
    await relink(core);
    // The rows were read in the original.
    expect(await oneRow(copy.observer, proofs)).toEqual({ proofs: 0 });
    expect(
      await oneRow(copy.observer, "SELECT state, execution, approved_at, error->>'name' AS error FROM p2pfk.migration"),
    ).toEqual({
      state: 'paused',
      execution: `relinked:${execution.arn}`,
      approved_at: null,
      error: 'ExecutionDied',
    });
    // DATABASE_URL was changed under the execution: its own data says where it was planned.
    const before = await foreignKeys(copy.observer);
    const late =
      /^refused, nothing was changed: this execution was planned in database "test_clone_\w+".+ leads to database "test_clone_\w+_copy"/;
    await expect(execution.dropParentForeignKey()).rejects.toThrow(late);
    await expect(execution.fence()).rejects.toThrow(late);
    await expect(execution.pause()).rejects.toThrow(late);
    expect(await foreignKeys(copy.observer)).toEqual(before);

    const next = new Execution();
    await next.migrate('VerifyMigration');
    expect(await oneRow(copy.observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
  });

  it('of another cluster is known by the system identifier, also where its names and oids are the same', async () => {
    const { db, observer } = await migratedPath();
    working(db);
    await observer.query("UPDATE p2pfk.identity SET system_identifier = '1'");
    await expectRefusals(await coreSession(db.url), 'path', /cluster with system identifier 1, /);
  });
});

describe('another endpoint', () => {
  it('is confirmed once before anything is written, and told where something is read', async () => {
    const { db, observer } = await migratedPath();
    const core = await coreSession(otherEndpoint(db));
    const refused = /an endpoint that the ledger does not know: tunnel\.example:\d+\. .+--relink/;
    await expect(auditAndRepair(core, { lockTimeoutMs: 10_000 })).rejects.toThrow(refused);
    await expect(approve(core, { table: 'path' })).rejects.toThrow(refused);
    expect((await verifyTable(core, { table: 'path' })).passed).toBe(true);

    await relink(core);
    await auditAndRepair(core, { lockTimeoutMs: 10_000 });
    // Both ways are known from now on, and what ran was left alone.
    await auditAndRepair(await coreSession(db.url), { lockTimeoutMs: 10_000 });
    await auditAndRepair(await coreSession(otherEndpoint(db)), { lockTimeoutMs: 10_000 });
    expect(
      (await observer.query("SELECT DISTINCT split_part(endpoint, ':', 1) AS host FROM p2pfk.identity ORDER BY 1"))
        .rows,
    ).toEqual([{ host: '127.0.0.1' }, { host: 'tunnel.example' }]);
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
  });

  it('needs no confirmation where the ledger has nothing to act on', async () => {
    const { db, observer, execution } = await migratedPath('ValidateForeignKeys');
    working(db);
    await execution.rollBack();
    await auditAndRepair(await coreSession(otherEndpoint(db)), { lockTimeoutMs: 10_000 }).catch((error: Error) =>
      expect(error.name).toBe('NotMigrated'),
    );
    expect(await oneRow(observer, 'SELECT count(DISTINCT endpoint)::int AS ways FROM p2pfk.identity')).toEqual({
      ways: 2,
    });
  });
});

it('a database or a table that was renamed is the same one', async () => {
  const { db, observer } = await migratedPath();
  await observer.query('ALTER TABLE path RENAME TO trail; ALTER TABLE inode RENAME TO node');
  await observer.query("UPDATE p2pfk.identity SET database_name = 'before'");
  working(db);
  const core = await coreSession(db.url);
  expect((await verifyTable(core, { table: 'trail' })).passed).toBe(true);
  const execution = new Execution();
  expect(await execution.plan({ table: 'trail', operation: 'rollback' })).toMatchObject({
    status: 'ROLLBACK_REQUESTED',
  });
  expect(await oneRow(observer, 'SELECT database_name FROM p2pfk.identity ORDER BY id DESC LIMIT 1')).toEqual({
    database_name: db.name,
  });
});

it('a table that has got the oid of a migrated one is not taken for it', async () => {
  const { db, observer } = await migratedPath();
  working(db);
  await collide(observer);
  await observer.query('UPDATE p2pfk.pair SET referencing_oid = 1, referenced_oid = 2');
  const before = await foreignKeys(observer);
  await expect(new Execution().plan({ table: 'other', operation: 'rollback' })).rejects.toThrow(
    /migration 1 is about public\.path \(oid \d+\) and public\.inode \(oid \d+\), which are not here under these oids/,
  );
  expect(await foreignKeys(observer)).toEqual(before);
});

describe('a ledger that is older than the record of its database', () => {
  it('belongs to the database whose tables are as it has them', async () => {
    const { db, observer } = await migratedPath();
    await observer.query(TO_VERSION_2);
    const core = await coreSession(db.url);
    expect((await verifyTable(core, { table: 'path' })).passed).toBe(true);
    await auditAndRepair(core, { lockTimeoutMs: 10_000 });
    expect(await oneRow(observer, 'SELECT database_name FROM p2pfk.identity')).toEqual({ database_name: db.name });
  });

  it('belongs to no database where one of its tables has another oid', async () => {
    const { db, observer } = await migratedPath();
    working(db);
    await observer.query(TO_VERSION_2);
    await collide(observer);
    await observer.query('UPDATE p2pfk.pair SET referencing_oid = 1, referenced_oid = 2');
    await expect(verifyTable(await coreSession(db.url), { table: 'path' })).rejects.toThrow(
      /does not say which database it belongs to/,
    );
    await expect(auditAndRepair(await coreSession(db.url), { lockTimeoutMs: 10_000 })).rejects.toThrow(
      /does not say which database/,
    );
    await expectRefusals(await coreSession(db.url), 'other', /audit --relink/);
    expect((await observer.query('SELECT FROM p2pfk.identity')).rows).toEqual([]);

    expect(await relink(await coreSession(db.url))).toMatchObject({ changed: true });
    expect((await audit(await coreSession(db.url), {})).flatMap(({ drift }) => drift)).toEqual([]);
  });
});
