/** A VACUUM in the way of our locks: an ordinary autovacuum is made to yield, a person's and one that prevents wraparound are not. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type EmbeddedPostgres, FAST, startEmbeddedPostgres } from '../../../local/embedded/embedded-postgres.ts';
import { waitUntil } from '../../support/observe.ts';
import { findDatabaseAt, oneRow, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

/** Room for the drop itself on a busy machine. */
const BUDGET_MS = 1_500;
/** Longer than a wait for our locks, so that no such wait makes anything yield. */
const DEADLOCK_TIMEOUT_MS = 800;
/** One page in so many milliseconds: it works for longer than any test. */
const SLOWLY = 'autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1';

let server: EmbeddedPostgres;
let observer: Client;
beforeAll(async () => {
  // One of its own: here autovacuum is on.
  server = await startEmbeddedPostgres({
    settings: {
      ...FAST,
      autovacuum: 'on',
      // Long enough for a try after the one that made it yield.
      autovacuum_naptime: '8s',
      autovacuum_max_workers: '1',
      deadlock_timeout: `${DEADLOCK_TIMEOUT_MS}ms`,
    },
  });
  observer = await sessionOn(server.databaseUrl('postgres'));
  // The owner is no superuser: it may cancel no autovacuum, and does not see what one does.
  await observer.query("CREATE ROLE plain_owner LOGIN PASSWORD 'plain'");
});
afterAll(async () => {
  await observer.end();
  await server.stop();
});

async function sessionOn(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** A migration whose gate has passed, in a database of its own that a plain role owns. */
async function readyToDrop(name: string) {
  await observer.query(`CREATE DATABASE ${name} OWNER plain_owner`);
  const admin = await sessionOn(server.databaseUrl(name));
  await admin.query('GRANT CREATE ON SCHEMA public TO plain_owner');
  const url = new URL(server.databaseUrl(name));
  url.username = 'plain_owner';
  url.password = 'plain';
  const owner = await sessionOn(url.href);
  const restore = findDatabaseAt(url.href);
  onTestFinished(async () => {
    restore();
    await Promise.all([admin.end(), owner.end()]);
    await observer.query(`DROP DATABASE ${name} WITH (FORCE)`);
  });
  await owner.query(THREE_PAIRS);
  await owner.query(
    "INSERT INTO path SELECT 'one', 1 + n % 40, repeat('a long name ', 20) FROM generate_series(1, 20000) n",
  );
  for (const relation of ['inode_1', 'inode_2', 'inode_3', 'inode_4', 'path_1', 'path_2', 'path_3'])
    await owner.query(`ALTER TABLE ${relation} SET (autovacuum_enabled = false)`);
  const execution = new Execution();
  await execution.migrate('VerifyGate', { lockTimeoutMs: BUDGET_MS });
  await owner.query('UPDATE path_1 SET name = name');
  return { admin, owner, execution };
}

/** The launcher may send another at any time, and a busy machine may need more than one try. */
async function insist(execution: Execution): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    try {
      return await execution.dropParentForeignKey();
    } catch (error) {
      if ((error as Error).name !== 'LockTimeout' || tries === 20) throw error;
    }
  }
}

const vacuumOf = (admin: Client, relation: string) =>
  waitUntil(
    async () =>
      (
        await admin.query<{ pid: number; query: string; type: string }>(
          `SELECT v.pid, a.query, a.backend_type AS type FROM pg_stat_progress_vacuum v JOIN pg_stat_activity a USING (pid)
            WHERE v.relid = $1::regclass AND v.datname = current_database()`,
          [relation],
        )
      ).rows[0],
    `a VACUUM of ${relation}`,
    60_000,
  );

it('an ordinary autovacuum yields without any right of ours, and while it is waited for nobody else waits', async () => {
  const { admin, owner, execution } = await readyToDrop('ordinary');
  await owner.query(
    `ALTER TABLE path_1 SET (autovacuum_enabled = true, autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, ${SLOWLY})`,
  );
  const { pid, type } = await vacuumOf(admin, 'path_1');
  expect(type).toBe('autovacuum worker');

  const refused = execution.dropParentForeignKey().catch((error: Error) => error);
  let longest = 0;
  let over = false;
  refused.finally(() => {
    over = true;
  });
  for (let ino = 1; !over; ino = 1 + (ino % 40)) {
    const from = performance.now();
    await admin.query(`UPDATE inode SET size = size + 1 WHERE medium = 'one' AND ino = ${ino}`);
    await admin.query(`INSERT INTO path VALUES ('one', ${ino}, 'meanwhile')`);
    longest = Math.max(longest, performance.now() - from);
  }

  expect(longest).toBeLessThan(BUDGET_MS + 200);
  const refusal = await refused;
  expect(refusal).toMatchObject({ name: 'LockTimeout' });
  expect((refusal as Error).message).toMatch(new RegExp(`; autovacuum \\(pid ${pid}\\) has yielded`));
  expect(await insist(execution)).toMatchObject({ status: 'DROPPED' });
});

it('a VACUUM of a person is named and goes on', async () => {
  const { admin, owner, execution } = await readyToDrop('manual');
  await owner.query("SET application_name = 'a person'; SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1");
  const vacuum = owner.query('VACUUM path_1').catch((error: Error) => error);
  const { pid } = await vacuumOf(admin, 'path_1');

  for (let tries = 1; tries <= 3; tries++)
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({
      name: 'LockTimeout',
      message: expect.stringMatching(new RegExp(`held by pid ${pid} \\(plain_owner, a person\\), active since `)),
    });

  expect(await vacuumOf(admin, 'path_1')).toMatchObject({ pid });
  await admin.query('SELECT pg_cancel_backend($1)', [pid]);
  await vacuum;
  expect(await insist(execution)).toMatchObject({ status: 'DROPPED' });
});

it('an autovacuum that prevents wraparound is named, not waited for, and goes on', async () => {
  const { admin, owner, execution } = await readyToDrop('wraparound');
  // 100,000 transactions, as many as the smallest limit there is.
  await admin.query(`CREATE TEMP TABLE burnt (n int);
    DO $$ BEGIN FOR i IN 1 .. 100100 LOOP BEGIN INSERT INTO burnt VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$`);
  await owner.query(`ALTER TABLE path_1 SET (autovacuum_freeze_max_age = 100000, ${SLOWLY})`);
  const { pid, query } = await vacuumOf(admin, 'path_1');
  expect(query).toContain('to prevent wraparound');

  const from = performance.now();
  await expect(execution.dropParentForeignKey()).rejects.toMatchObject({
    name: 'LockTimeout',
    message: expect.stringMatching(
      new RegExp(
        `held by pid ${pid} \\(an autovacuum that prevents transaction ID wraparound, and is never cancelled: let it end\\)`,
      ),
    ),
  });

  expect(performance.now() - from).toBeLessThan(DEADLOCK_TIMEOUT_MS + 1_000);
  expect(await oneRow<{ pid: number }>(admin, 'SELECT pid FROM pg_stat_progress_vacuum')).toEqual({ pid });
});
