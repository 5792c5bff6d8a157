/** `p2pfk list` and `p2pfk status` where less can be seen: on a standby, in an older ledger, and of an execution in AWS. */
import { expect, it, onTestFinished } from 'vitest';
import { databaseWith, THREE_PAIRS } from '../core/case.helpers.ts';
import { Execution } from '../core/execution.helpers.ts';
import { TO_VERSION_2 } from '../core/ledger/restore.helpers.ts';
import { stateDirectory } from '../local/endpoint.helpers.ts';
import { replicatedDatabase, startReplicated } from '../support/standby.ts';
import { p2pfkHere } from './here.helpers.ts';

const IN_AWS = 'arn:aws:states:eu-central-1:123456789012:execution:p2pfk:nightly';
const START = 'p2pfk start --state-machine arn:aws:states:eu-central-1:123456789012:stateMachine:p2pfk';

async function seen(databaseUrl: string, ...args: string[]) {
  const { code, stdout } = await p2pfkHere(['status', '--table', 'path', '--json', ...args], {
    DATABASE_URL: databaseUrl,
    P2PFK_STATE_DIR: stateDirectory(),
  });
  return { code, ...JSON.parse(stdout) };
}

it('on a standby the migration is shown, and that its execution lives is not claimed', async () => {
  const servers = await startReplicated();
  onTestFinished(() => servers.stop());
  const { url, readerUrl, caughtUp } = await replicatedDatabase(servers, THREE_PAIRS);
  const env = { P2PFK_STATE_DIR: stateDirectory() };
  await caughtUp();
  expect(await p2pfkHere(['status', '-t', 'path', '-d', readerUrl], env)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('has never been migrated: this database has no ledger'),
  });
  const execution = new Execution();
  await execution.migrate('AddForeignKeys');
  await caughtUp();
  expect(await seen(readerUrl)).toMatchObject({
    code: 0,
    state: 'running',
    migration: { owner: { life: 'unknown', sessions: [] } },
    next: [{ why: expect.stringContaining('ask the primary'), command: null }],
  });
  const { code, stdout } = await p2pfkHere(['list', '-d', readerUrl], env);
  expect(code).toBe(0);
  expect(stdout).toMatch(/running, not known whether it lives +path +path_fk/);
  expect((await seen(url)).migration.owner.life).not.toBe('unknown');
}, 120_000);

it('an older ledger is read as it is', async () => {
  const { db, observer } = await databaseWith();
  const execution = new Execution();
  await execution.migrate('AddForeignKeys');
  await observer.query(TO_VERSION_2);
  expect(await seen(db.url)).toMatchObject({
    code: 0,
    state: 'running',
    migration: { startedBy: null, pairs: { total: 3 }, owner: { life: 'unknown' } },
  });
  expect((await p2pfkHere(['list'], { DATABASE_URL: db.url, P2PFK_STATE_DIR: stateDirectory() })).code).toBe(0);
});

it('an execution in AWS lives while its lease holds, and goes on in AWS, with the options that it had', async () => {
  const { db, observer } = await databaseWith();
  const execution = new Execution();
  await execution.migrate('AddForeignKeys', { keepIndexes: true, approval: 'manual' });
  const become = (change: string) => observer.query(`UPDATE p2pfk.migration SET execution = $1, ${change}`, [IN_AWS]);

  await become("lease_until = now() + interval '1 hour'");
  expect(await seen(db.url)).toMatchObject({
    isHere: null,
    migration: { owner: { place: 'aws', life: 'alive', leaseUntil: expect.any(String) } },
    next: [{ command: `p2pfk watch --execution ${IN_AWS}` }],
  });
  await become("lease_until = now() - interval '1 second'");
  expect(await seen(db.url, '--constraint', 'path_fk')).toMatchObject({
    migration: { owner: { place: 'aws', life: 'dead' } },
    next: [{ command: `${START} --table public.path --constraint path_fk --approval manual --keep-indexes --wait` }],
  });
  await become("state = 'rolling-back'");
  expect((await seen(db.url)).next).toEqual([
    {
      why: expect.stringContaining('goes on with the rollback'),
      command: `${START} --operation rollback --table public.path --keep-indexes --wait`,
    },
  ]);
});

it('of two foreign keys the open migration is shown, and where both are open, one has to be named', async () => {
  const { db, observer } = await databaseWith(`${THREE_PAIRS}
    ALTER TABLE path ADD CONSTRAINT again_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino);`);
  const env = { DATABASE_URL: db.url, P2PFK_STATE_DIR: stateDirectory() };
  await new Execution().migrate('AddForeignKeys', { constraint: 'path_fk', accept: ['foreign-key-order'] });
  expect(await seen(db.url)).toMatchObject({ code: 0, constraint: 'path_fk' });
  expect((await seen(db.url)).next[0].command).toContain('--table path --constraint path_fk');
  await observer.query(`INSERT INTO p2pfk.migration (table_oid, table_name, referenced_oid, referenced_name, constraint_name, definition, columns,
      referenced_columns, column_names, referenced_column_names, actions, state, execution, options)
    SELECT table_oid, table_name, referenced_oid, referenced_name, 'again_fk', definition, columns, referenced_columns, column_names,
      referenced_column_names, actions, 'paused', execution, options FROM p2pfk.migration`);
  const both = await p2pfkHere(['status', '-t', 'path'], env);
  expect(both).toMatchObject({
    code: 2,
    stderr: `p2pfk: table public.path has migrations of 2 foreign keys (again_fk (paused), path_fk (running)): choose one with --constraint
  p2pfk status --table public.path --constraint again_fk
  p2pfk status --table public.path --constraint path_fk
`,
  });
  expect((await seen(db.url, '--constraint', 'again_fk')).state).toBe('paused');
});
