/** `--notify-url` with real migrations: what the receiver gets, and that nothing of it is kept or printed. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, it, onTestFinished } from 'vitest';
import { STATE_MACHINE_ARN } from '../../../local/step-functions/arns.ts';
import { databaseWith } from '../../core/case.helpers.ts';
import { stateDirectory } from '../../local/endpoint.helpers.ts';
import { start } from '../cli.helpers.ts';
import { p2pfkHere } from '../here.helpers.ts';
import { receiver, SECRET } from './receiver.helpers.ts';

const TOKEN = 'T0KEN-of-the-URL-1234567890';
const KEY = SECRET.replace('whsec_', '');

/** All bytes that are below a folder. */
function bytesBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
}

it('a rehearsal, its migration and the rollback tell each event once, and keep nothing of URL and key', async () => {
  const { db, observer } = await databaseWith();
  const DATABASE_URL = db.url;
  const there = await receiver();
  const folder = stateDirectory();
  const report = join(folder, 'report.html');
  const env = { DATABASE_URL, P2PFK_STATE_DIR: folder, P2PFK_NOTIFY_SECRET: SECRET };
  const url = `${there.url}/${TOKEN}?key=${TOKEN}`;

  const rehearsed = await p2pfkHere(
    ['migrate', '-t', 'path', '--accept', 'all', '--rehearse', '--notify-url', url, '--report', report, '--json'],
    env,
  );
  const migrated = await p2pfkHere(['migrate', '-t', 'path', '--accept', 'all', '--json'], {
    ...env,
    P2PFK_NOTIFY_URL: url,
  });
  const back = await p2pfkHere(['rollback', '-t', 'path', '--json-lines'], { ...env, P2PFK_NOTIFY_URL: url });

  expect([rehearsed.code, migrated.code, back.code]).toEqual([6, 0, 0]);
  const milestones = there.milestones();
  expect(milestones.map(({ type, data }) => `${data.operation} ${type}`)).toEqual([
    'migrate migration.started',
    'migrate migration.paused',
    'migrate migration.started',
    'migrate migration.finished',
    'rollback migration.started',
    'rollback migration.rolled_back',
  ]);
  for (const { data } of milestones)
    expect(data).toMatchObject({ table: 'public.path', constraint: 'path_fk', pairs: 3, error: null });
  const { executionArn, migrationId } = JSON.parse(migrated.stdout);
  expect(milestones[3]?.data).toMatchObject({ executionArn, migrationId });

  const { rows } = await observer.query<{ all: string }>(
    `SELECT (SELECT string_agg(m::text, '') FROM p2pfk.migration m) || (SELECT string_agg(e::text, '') FROM p2pfk.event e)
       || (SELECT string_agg(p::text, '') FROM p2pfk.pair p) AS all`,
  );
  const printed = [rehearsed, migrated, back].map(({ stdout, stderr }) => stdout + stderr);
  const kept = [bytesBelow(folder), rows[0]?.all, ...printed].join('\n');
  expect(kept).toContain('path_fk');
  for (const secret of [TOKEN, KEY, there.url]) expect(kept).not.toContain(secret);
});

it('a receiver that never answers does not fail a migration, and is reported once', async () => {
  const { db } = await databaseWith();
  const DATABASE_URL = db.url;
  const there = await receiver(() => undefined);
  const env = { DATABASE_URL, P2PFK_NOTIFY_SECRET: SECRET, P2PFK_NOTIFY_URL: there.url };

  const { code, stdout, stderr } = await p2pfkHere(
    ['migrate', '-t', 'path', '--accept', 'all', '--json', '--quiet'],
    env,
  );

  expect({ code, status: JSON.parse(stdout).status }).toEqual({ code: 0, status: 'MIGRATED' });
  expect(stderr).toMatch(/^! --notify-url: it did not answer in time[^\n]*\n$/);
  expect(there.requests.map(({ body }) => JSON.parse(body).type)).toContain('migration.finished');
});

it('serve tells of the executions that are started through it, and of those that its end stops', async () => {
  const { db } = await databaseWith();
  const DATABASE_URL = db.url;
  const there = await receiver();
  const served = start(['serve', '--port', '0', '--json', '--quiet', '--state-dir', stateDirectory()], {
    DATABASE_URL,
    P2PFK_NOTIFY_SECRET: SECRET,
    P2PFK_NOTIFY_URL: there.url,
  });
  onTestFinished(() => void served.child.kill('SIGKILL'));
  await served.says('}\n');
  const { endpointUrl: endpoint, accessKeyId, secretAccessKey } = JSON.parse(served.output());
  const client = new SFNClient({ endpoint, region: 'local', credentials: { accessKeyId, secretAccessKey } });
  onTestFinished(() => client.destroy());
  const input = JSON.stringify({ table: 'path', approval: 'manual', accept: ['all'] });
  const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn: STATE_MACHINE_ARN, input }));
  await expect.poll(() => there.milestones().at(-1)?.type, { timeout: 60_000 }).toBe('migration.approval_wanted');

  served.child.kill('SIGTERM');
  await served.finished;

  expect(there.milestones().map(({ type }) => type)).toEqual([
    'migration.started',
    'migration.approval_wanted',
    'migration.stopped',
  ]);
  expect(there.milestones().every(({ data }) => data.executionArn === executionArn)).toBe(true);
});
