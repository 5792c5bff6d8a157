/** What a person does at the console is done to the migration that the page showed, as it showed it, or not at all. */
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import type { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { createConsole } from '../../cli/console/console.ts';
import { startExecution } from '../../cli/executions/start.ts';
import { openLocalEndpoint } from '../../local/local-endpoint.ts';
import { STATE_MACHINE_ARN } from '../../local/step-functions/arns.ts';
import { serve } from '../../local/step-functions/endpoint.ts';
import { ExecutionStore } from '../../local/store/execution-store.ts';
import { databaseWith, foreignKeys, oneRow } from '../core/case.helpers.ts';
import { waitUntil } from '../support/observe.ts';

async function consoleOnDatabase() {
  const { db, observer } = await databaseWith();
  const { client, service, close } = openLocalEndpoint({
    databaseUrl: db.url,
    store: ExecutionStore.inMemory(),
    warn: () => undefined,
  });
  const { listener, entrance } = createConsole({
    client,
    changed: (arn, longestMs) => service.changed(arn, longestMs),
    isOwn: (arn) => service.running.includes(arn),
    databaseUrl: db.url,
    database: 'test',
    password: null,
  });
  const { url, close: end } = await serve({ service, port: 0, listener });
  onTestFinished(async () => {
    await end();
    await service.stopAll({ error: 'Interrupted', cause: 'the test is over' });
    await service.settled();
    close();
  });
  const headers = { authorization: `Bearer ${entrance.split('#token=')[1]}`, origin: url };
  const get = async (path: string) => {
    const answer = await fetch(`${url}${path}`, { headers });
    return { status: answer.status, text: await answer.text() };
  };
  return {
    observer,
    /** Starts it, and waits for its end, or until it asks for approval. */
    async run(name: string, input: object, until: 'ended' | 'asks' = 'ended'): Promise<void> {
      const whole = { table: 'path', lockTimeoutMs: 20_000, ...input };
      const arn = await startExecution(client, STATE_MACHINE_ARN, name, whole);
      await waitUntil(
        async () => (until === 'asks' ? asks(observer, arn) : !service.running.includes(arn)),
        `execution ${name}: ${until}`,
        120_000,
      );
    },
    ended: (arn: string) => waitUntil(() => !service.running.includes(arn), `${arn} to end`, 120_000),
    executions: async () =>
      (await client.send(new ListExecutionsCommand({ stateMachineArn: STATE_MACHINE_ARN }))).executions ?? [],
    get,
    /** Ids of the acts that the page offers. */
    async offered(name: string): Promise<string[]> {
      const { text } = await get(`/executions/${name}`);
      return [...text.matchAll(/id="action-(\w+)"/g)].map(([, action = '']) => action);
    },
    /** The form that stands behind a button, as a browser would send it. */
    async formOf(name: string, action: string): Promise<Record<string, string>> {
      const { text } = await get(`/executions/${name}/${action}`);
      return Object.fromEntries(
        [...text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)].map(
          ([, field = '', value = '']) => [field, value],
        ),
      );
    },
    async post(name: string, action: string, form: Record<string, string>) {
      const answer = await fetch(`${url}/executions/${name}/${action}`, {
        method: 'POST',
        headers,
        body: new URLSearchParams({ by: 'ana', reason: 'CHG-1', ...form }),
        redirect: 'manual',
      });
      return { status: answer.status, text: await answer.text() };
    },
  };
}

/** There is no ledger before the plan has made it. */
const asks = async (observer: Client, arn: string): Promise<boolean> =>
  observer
    .query('SELECT FROM p2pfk.migration WHERE execution = $1 AND approval_asked_at IS NOT NULL', [arn])
    .then(({ rows }) => rows.length > 0)
    .catch(() => false);

const WAITS = { approval: 'manual', approvalTimeoutSeconds: 0 };
const parentStands = async (observer: Client) =>
  (await foreignKeys(observer)).some((line) => line.startsWith('path path_fk '));

it('a page of an execution whose migration is rolled back offers nothing, and acts on no later migration', async () => {
  const { observer, run, executions, get, offered, formOf, post } = await consoleOnDatabase();
  await run('A', WAITS);
  expect(await offered('A')).toEqual(['approve', 'resume', 'rollback']);
  const forms = {
    approve: await formOf('A', 'approve'),
    resume: await formOf('A', 'resume'),
    rollback: await formOf('A', 'rollback'),
  };
  await run('back', { operation: 'rollback' });
  await run('B', { approval: 'manual', rowMovementGuard: false, accept: ['all'] }, 'asks');
  const started = (await executions()).length;

  expect(await offered('A')).toEqual([]);
  for (const [action, form] of Object.entries(forms)) {
    expect(await get(`/executions/A/${action}`)).toEqual({
      status: 400,
      text: expect.stringMatching(/Nothing was changed: .+ does not apply now: migration 1 of path_fk .+ rolled-back/),
    });
    expect(await post('A', action, form)).toEqual({
      status: 400,
      text: expect.stringContaining('migration 1 was paused when it was shown, and is rolled-back now'),
    });
    expect(await post('A', action, { ...form, shown: '' })).toEqual({
      status: 400,
      text: expect.stringContaining('it is not known what was shown'),
    });
    // The form of the one on the page of the other.
    expect(await post('B', action, form)).toEqual({
      status: 400,
      text: expect.stringContaining('migration 1 was shown, and this is migration 2'),
    });
  }

  expect(await executions()).toHaveLength(started);
  expect(await parentStands(observer)).toBe(true);
  expect(await oneRow(observer, 'SELECT state, approved_at FROM p2pfk.migration WHERE id = 2')).toEqual({
    state: 'running',
    approved_at: null,
  });
});

it('an approval is of what the page showed: the later execution of the same migration has other options', async () => {
  const { observer, run, ended, executions, get, offered, formOf, post } = await consoleOnDatabase();
  await run('A', WAITS);
  const before = await formOf('A', 'approve');
  await run('B', { ...WAITS, noIndexes: true, rowMovementGuard: false, accept: ['all'] });

  expect(await offered('A')).toEqual(['rollback']);
  expect(await post('A', 'approve', before)).toEqual({
    status: 400,
    text: expect.stringContaining('migration 1 has changed since it was shown (its execution, options,'),
  });
  const { text } = await get('/executions/B/approve');
  expect(text).toMatch(/<dt>Migration<\/dt><dd>1, paused, begun /);
  expect(text).toMatch(/<dt>Options<\/dt><dd>[^<]*rowMovementGuard false, noIndexes true<\/dd>/);
  expect(text).toMatch(/<dt>Accepted finding<\/dt><dd>row-movement: .+ \(accepted by role /);
  expect(await offered('B')).toEqual(['approve', 'resume', 'rollback']);
  // What A's page shows now stands for B's work too: it approves and goes on with nothing of that.
  const ofA = await formOf('A', 'rollback');
  for (const action of ['approve', 'resume'])
    expect(await post('A', action, ofA)).toEqual({
      status: 400,
      text: expect.stringMatching(
        /does not apply now: migration 1 .+ paused, and another execution has worked on it since: \S+:B/,
      ),
    });

  const form = await formOf('B', 'approve');
  const stale = await formOf('B', 'rollback');
  expect(await post('B', 'approve', form)).toMatchObject({ status: 303 });
  const [next] = await executions();
  await ended(next?.executionArn ?? '');
  expect(await oneRow(observer, 'SELECT state, approved_by FROM p2pfk.migration')).toEqual({
    state: 'migrated',
    approved_by: 'ana',
  });
  expect(await parentStands(observer)).toBe(false);
  expect(await post('B', 'rollback', stale)).toMatchObject({
    status: 400,
    text: expect.stringContaining('migration 1 was paused when it was shown, and is migrated now'),
  });
  expect(await offered(next?.name ?? '')).toEqual(['rollback']);
});

it('a withdrawal takes back the approval that the page showed, and no other one', async () => {
  const { observer, run, offered, formOf, post } = await consoleOnDatabase();
  await run('A', WAITS);
  await observer.query("UPDATE p2pfk.migration SET approved_at = now(), approved_by = 'boss'");
  expect(await offered('A')).toEqual(['resume', 'withdraw', 'rollback']);
  const form = await formOf('A', 'withdraw');
  await observer.query("UPDATE p2pfk.migration SET approved_at = now(), approved_by = 'another boss'");

  expect(await post('A', 'withdraw', form)).toMatchObject({
    status: 400,
    text: expect.stringContaining('migration 1 has changed since it was shown'),
  });
  expect(await oneRow(observer, 'SELECT approved_by FROM p2pfk.migration')).toEqual({ approved_by: 'another boss' });

  expect(await post('A', 'withdraw', await formOf('A', 'withdraw'))).toMatchObject({ status: 303 });
  expect(await oneRow(observer, 'SELECT approved_by FROM p2pfk.migration')).toEqual({ approved_by: null });
});
