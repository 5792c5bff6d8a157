/** An execution on one database, looked at with another one: the report does not certify it, and the console leaves it alone. */
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { createConsole } from '../../cli/console/console.ts';
import { plannedDatabaseOf } from '../../cli/executions/planned.ts';
import { startExecution } from '../../cli/executions/start.ts';
import { createOutput } from '../../cli/output.ts';
import { confirmDatabase } from '../../cli/relink.ts';
import { readSources } from '../../cli/report/sources.ts';
import { describeTarget } from '../../core/ledger/connect.ts';
import { openLocalEndpoint } from '../../local/local-endpoint.ts';
import { STATE_MACHINE_ARN } from '../../local/step-functions/arns.ts';
import { serve } from '../../local/step-functions/endpoint.ts';
import { ExecutionStore } from '../../local/store/execution-store.ts';
import { render } from '../../report/render.ts';
import { buildReport } from '../../report/report.ts';
import { databaseWith, foreignKeys, oneRow } from '../core/case.helpers.ts';
import { migratedPath, otherEndpoint } from '../core/ledger/restore.helpers.ts';

it('a run of another database is neither certified by a report nor acted on from the console', async () => {
  // The one that is served has the same tables, and a migration of the same number that is done.
  const served = await databaseWith();
  const store = ExecutionStore.inMemory();
  const { client, service, close } = openLocalEndpoint({ databaseUrl: served.db.url, store, warn: () => undefined });
  const run = async (name: string, input: object): Promise<string> => {
    const arn = await startExecution(client, STATE_MACHINE_ARN, name, {
      table: 'path',
      lockTimeoutMs: 10_000,
      ...input,
    });
    await service.settled();
    return arn;
  };
  const here = await run('here', {});
  const other = await databaseWith();
  const elsewhere = await run('elsewhere', { rehearse: true });
  process.env.DATABASE_URL = served.db.url;

  const sources = await readSources({ client, executionArn: elsewhere, databaseUrl: served.db.url, withLedger: true });
  const report = buildReport(sources);
  expect(report).toMatchObject({
    status: 'PAUSED',
    database: null,
    statements: [],
    workedOn: { database: other.db.name },
  });
  expect(report.notes.join(' ')).toMatch(
    new RegExp(`worked on database "${other.db.name}".+this report does not certify it`),
  );
  for (const format of ['html', 'markdown', 'json'] as const)
    expect(await render(report, format)).toContain((await plannedDatabaseOf(client, elsewhere))?.systemIdentifier);
  const own = buildReport(
    await readSources({ client, executionArn: here, databaseUrl: served.db.url, withLedger: true }),
  );
  expect(own).toMatchObject({ status: 'MIGRATED', notes: [], workedOn: { database: served.db.name } });

  const { listener, entrance } = createConsole({
    client,
    changed: (arn, longestMs) => service.changed(arn, longestMs),
    isOwn: (arn) => service.running.includes(arn),
    databaseUrl: served.db.url,
    database: describeTarget(served.db.url),
    password: null,
  });
  const { url, close: end } = await serve({ service, port: 0, listener });
  onTestFinished(async () => {
    await end();
    await service.settled();
    close();
  });
  const authorization = `Bearer ${entrance.split('#token=')[1]}`;
  const page = async (path: string) => (await fetch(`${url}${path}`, { headers: { authorization } })).text();
  const list = await page('/');
  expect(list).toMatch(new RegExp(`<tr class="elsewhere">.+elsewhere.+another database: ${other.db.name} at`, 's'));
  expect(list).toMatch(/<tr><th scope="row"><a href="\/executions\/here">/);
  expect(await page('/executions/elsewhere')).not.toMatch(/id="action-/);
  expect(await page('/executions/here')).toMatch(/id="action-rollback"/);
  const confirmation = await page('/executions/here/rollback');
  expect(confirmation).toMatch(
    new RegExp(`<dt>Database</dt><dd>database &quot;${served.db.name}&quot;.+127\\.0\\.0\\.1:\\d+`),
  );

  const before = await foreignKeys(served.observer);
  for (const action of ['stop', 'approve', 'rollback', 'resume']) {
    const refused = await fetch(`${url}/executions/elsewhere/${action}`, {
      method: 'POST',
      headers: { authorization, origin: url },
      body: new URLSearchParams(),
      redirect: 'manual',
    });
    expect([action, refused.status]).toEqual([action, 400]);
    expect(await refused.text()).toMatch(/Nothing was changed: this execution worked on/);
  }
  await service.settled();
  expect(await foreignKeys(served.observer)).toEqual(before);
  expect(await oneRow(served.observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
});

it('a person at a terminal is asked once about an endpoint that the ledger does not know, and no is the default', async () => {
  const { db } = await migratedPath();
  const databaseUrl = otherEndpoint(db);
  const ask = async (answer: string, { isTTY = true, relink = false } = {}): Promise<string> => {
    const screen = Object.assign(new PassThrough(), { isTTY });
    let shown = '';
    screen.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    const input = Object.assign(new PassThrough(), { isTTY });
    input.end(`${answer}\n`);
    const output = createOutput({ color: false }, { stdout: screen, stderr: screen });
    await confirmDatabase({ input, output }, { databaseUrl, relink }).catch((error: Error) => {
      shown += `${error.name}: ${error.message}`;
    });
    return shown;
  };

  expect(await ask('y', { isTTY: false })).toBe('');
  const declined = await ask('');
  expect(declined).toMatch(/! the ledger belongs to database .+ and does not know the endpoint tunnel\.example:\d+/);
  expect(declined).toMatch(/LedgerElsewhere: refused, nothing was changed: the database was not confirmed/);
  expect(await ask('yes')).toMatch(/✓ Linked the ledger to database .+ at tunnel\.example/);
  expect(await ask('')).toBe('');
  expect(await ask('', { isTTY: false, relink: true })).toBe('');
});
