/** Names that anybody may plant in a schema of the search_path: nothing of ours runs them, on any version. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examine } from '../../core/checks/doctor.ts';
import { auditAndRepair } from '../../core/drift/repair.ts';
import { approve, withdrawApproval } from '../../core/ledger/approve.ts';
import { changePace } from '../../core/ledger/change-pace.ts';
import { connectReadOnly } from '../../core/ledger/connect.ts';
import { readTrail } from '../../core/ledger/read-trail.ts';
import { listMigrations, readTableStatus } from '../../core/ledger/status.ts';
import { provision } from '../../core/provision/provision-pair.ts';
import { scan } from '../../core/scan/scan.ts';
import { describeWithPsql, psqlInOrder, STEPS } from '../psql/psql.helpers.ts';
import { plant } from '../support/planted.ts';
import { execute, plan, verify, withCore } from './migration.helpers.ts';
import { type MatrixDatabase, type MatrixServer, startServer } from './server.helpers.ts';
import { majorUnderTest } from './version.helpers.ts';

/** Keys of varchar: no operator of PostgreSQL takes it, so one that does fits better. */
const TABLES = `
  CREATE TABLE inode (region varchar(10), ino bigint, size int, PRIMARY KEY (region, ino)) PARTITION BY LIST (region);
  CREATE TABLE path (region varchar(10), ino bigint, name text) PARTITION BY LIST (region);
  CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('eu', 'us');
  CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('eu', 'us');
  CREATE TABLE inode_2 PARTITION OF inode DEFAULT;
  CREATE TABLE path_2 PARTITION OF path DEFAULT;
  INSERT INTO inode SELECT r, n, 1 FROM unnest(ARRAY['eu', 'us', 'asia']) r, generate_series(1, 40) n;
  INSERT INTO path SELECT region, ino, 'a name' FROM inode WHERE ino < 40;
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (region, ino) REFERENCES inode ON DELETE CASCADE;
  ANALYZE;`;

let server: MatrixServer;
beforeAll(async () => {
  server = await startServer(majorUnderTest);
});
afterAll(() => server?.stop());

const nameOf = (db: MatrixDatabase) => new URL(db.url).pathname.slice(1);

describe('planted names', () => {
  it('plan, migrate, verify, audit, rollback and the application after it run no planted name', async () => {
    const db = await server.database(TABLES);
    const planted = await plant(db.observer, nameOf(db), 'planter_1');
    expect(planted.objects).toBeGreaterThan(5_000);
    const input = { table: 'public.path', accept: ['all'] };

    const { definition } = await plan(db, input);
    expect(definition).toBe('FOREIGN KEY (region, ino) REFERENCES inode(region, ino) ON DELETE CASCADE');
    expect(await execute(db, input)).toMatchObject({ status: 'MIGRATED' });
    expect(await verify(db, input)).toMatchObject({ passed: true });
    const added = {
      bound: "FOR VALUES IN ('new')",
      referencing: 'public.path_3',
      referenced: 'public.inode_3',
      dryRun: false,
    };
    const made = await withCore(db, (core) => provision(core, { table: input.table, lockTimeoutMs: 5_000, ...added }));
    expect(made).toMatchObject({ status: 'PROVISIONED' });
    await withCore(db, (core) => auditAndRepair(core, { lockTimeoutMs: 5_000 }));
    // What others run later: the guard's WHEN clause and its function, and the views.
    const application = await db.client();
    await application.query(
      `UPDATE public.inode SET size = 2; UPDATE public.inode_2 SET region = 'africa' WHERE ino OPERATOR(pg_catalog.=) 40`,
    );
    await application.query('TABLE p2pfk.foreign_key_architecture; TABLE p2pfk.delete_activity');
    expect(await execute(db, { ...input, operation: 'rollback' })).toMatchObject({ status: 'ROLLED_BACK' });

    expect(await planted.called()).toEqual([]);
  });

  it('scan, doctor, list, status, report, approve and hold run no planted name', async () => {
    const db = await server.database(TABLES);
    const planted = await plant(db.observer, nameOf(db), 'planter_4');
    const input = { table: 'public.path', accept: ['all'] };
    const reading = async <Result>(look: (core: Client) => Promise<Result>, snapshot = true): Promise<Result> => {
      const core = await connectReadOnly({ databaseUrl: db.url, applicationName: 'p2pfk look', snapshot });
      return look(core).finally(() => core.end());
    };
    const looks = async () => {
      await reading((core) => examine(core, db.url), false);
      await reading((core) => listMigrations(core, 10));
      const { migration } = await reading((core) => readTableStatus(core, { table: input.table }));
      if (migration) await reading((core) => readTrail(core, migration.id, 'here'));
      const { foreignKeys } = await reading(
        (core) => scan(core, { schemas: null, statementTimeoutMs: 600_000 }),
        false,
      );
      return foreignKeys.map(({ status }) => status);
    };

    expect(await looks()).toEqual(['convertible']);
    // It pauses, and what waits for a person can be approved.
    expect(await execute(db, { ...input, approval: 'manual', approvalTimeoutSeconds: 1 })).toMatchObject({
      status: 'PAUSED',
    });
    await withCore(db, (core) => approve(core, { table: input.table, by: 'ana' }));
    await withCore(db, (core) => withdrawApproval(core, { table: input.table, by: 'ana' }));
    await expect(
      withCore(db, (core) => changePace(core, { command: 'hold' }, { table: input.table, by: 'ana' })),
    ).rejects.toThrow(/is paused/);
    expect(await looks()).toEqual(['half-done']);
    expect(await execute(db, input)).toMatchObject({ status: 'MIGRATED' });
    expect(await looks()).toEqual(['converted']);

    expect(await planted.called()).toEqual([]);
  });
});

describeWithPsql('planted names', () => {
  const run = promisify(execFile);

  it('runs no planted name in the scripts for roles and for copies of the ledger', async () => {
    const db = await server.database(TABLES);
    // A superuser's tables would be refused.
    await db.observer.query(`CREATE ROLE owner_3; GRANT USAGE, CREATE ON SCHEMA public TO owner_3; DO $$ DECLARE part regclass; BEGIN
      FOR part IN SELECT relid FROM pg_partition_tree('path') UNION SELECT relid FROM pg_partition_tree('inode') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO owner_3', part);
      END LOOP; END $$`);
    const planted = await plant(db.observer, nameOf(db), 'planter_3');

    const files = [join('sql', 'aws-role.sql'), join('sql', 'ledger-copy.sql')].flatMap((file) => ['-f', file]);
    await run('psql', ['-X', db.url, '-v', 'role=migrator', '-v', 'table=path', ...files]);

    expect(await planted.called()).toEqual([]);
    const { rows } = await db.observer.query(
      `SELECT to_regclass('p2pfk.pair') IS NOT NULL AS there, pg_has_role('migrator', 'pg_monitor', 'MEMBER') AS granted`,
    );
    expect(rows).toEqual([{ there: true, granted: true }]);
  });

  it('runs no planted name in the five scripts', async () => {
    const db = await server.database(TABLES);
    const planted = await plant(db.observer, nameOf(db), 'planter_2');

    await psqlInOrder(db.url, [...STEPS, 'rollback'], { table: 'public.path', accept: 'all' });

    expect(await planted.called()).toEqual([]);
  });
});
