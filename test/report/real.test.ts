/** Reports of real executions: the local endpoint's history and the ledger of a real database. */
import { DescribeExecutionCommand, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, it, onTestFinished } from 'vitest';
import { readSources } from '../../cli/report/sources.ts';
import { openLocalEndpoint } from '../../local/local-endpoint.ts';
import { STATE_MACHINE_ARN } from '../../local/step-functions/arns.ts';
import { ExecutionStore } from '../../local/store/execution-store.ts';
import type { Report } from '../../report/contracts.ts';
import { render } from '../../report/render.ts';
import { buildReport } from '../../report/report.ts';
import { databaseWith, THREE_PAIRS } from '../core/case.helpers.ts';
import { waitUntil } from '../support/observe.ts';

async function executed(client: SFNClient, input: Record<string, unknown>): Promise<string> {
  const started = await client.send(
    new StartExecutionCommand({ stateMachineArn: STATE_MACHINE_ARN, input: JSON.stringify(input) }),
  );
  const executionArn = started.executionArn ?? '';
  await waitUntil(
    async () => (await client.send(new DescribeExecutionCommand({ executionArn }))).status !== 'RUNNING',
    'the end of the execution',
    60_000,
  );
  return executionArn;
}

function openEndpoint(databaseUrl: string): SFNClient {
  const store = ExecutionStore.inMemory();
  const { client, service, close } = openLocalEndpoint({ databaseUrl, store, warn: () => undefined });
  onTestFinished(async () => {
    await service.settled();
    close();
  });
  return client;
}

const HOSTILE = THREE_PAIRS.replaceAll(/\bpath\b(?!_)/g, '"<script>alert(1)</script>"');

it('tells a migration with every statement, its locks, the checks, and what it found before', async () => {
  const { db } = await databaseWith(HOSTILE);
  const client = openEndpoint(db.url);
  const arn = await executed(client, { table: '"<script>alert(1)</script>"', lockTimeoutMs: 10_000 });

  const options = { client, executionArn: arn, databaseUrl: db.url, withLedger: true };
  const report = buildReport(await readSources(options));

  expect(report.status, report.summary).toBe('MIGRATED');
  expect(report.subject.table).toBe('public."<script>alert(1)</script>"');
  expect(report.database?.standingDefinition).toBeNull();
  expect(report.pairs.map((pair) => Object.keys(pair.bars))).toEqual(Array(3).fill(['index', 'add', 'validate']));
  expect(report.checks).toHaveLength(6);
  expect(report.comparison[0]?.before).toMatch(/^Deleted 10 rows in/);
  expect(report.comparison[0]?.after).toMatch(/^Deleted 10 rows in/);
  expect(report.findings?.map((finding) => finding.id)).toContain('row-movement');
  const [lock, drop] = report.statements.filter((statement) => statement.step === 'DropParentForeignKey');
  expect(lock?.sql).toMatch(/^LOCK TABLE /);
  expect(report.blocked?.tries).toBe(report.statements.filter(({ lockHeldMs }) => lockHeldMs !== null).length);
  expect(report.summary).toMatch(
    /Its locks blocked other sessions for at most .* at a time and .* in all, in [4-9]\d* tries; the try that dropped /,
  );
  expect(drop?.sql).toContain('DROP CONSTRAINT path_fk');
  expect(drop?.locks.every((lock) => lock.mode.endsWith('Lock'))).toBe(true);
  expect(drop?.locks.filter((lock) => lock.mode === 'AccessExclusiveLock').length).toBeGreaterThanOrEqual(8);
  expect(report.statements.every((statement) => statement.during === 'this')).toBe(true);

  const page = await render(report, 'html');
  expect(page).not.toContain('<script>alert');
  expect(page).not.toContain(new URL(db.url).password);
});

it('tells a rollback with its cause, from the history alone as well', async () => {
  const { db, observer } = await databaseWith();
  await observer.query("SET session_replication_role = replica; INSERT INTO path VALUES ('two', 4711, 'nobody')");
  const client = openEndpoint(db.url);
  const arn = await executed(client, { table: 'path', lockTimeoutMs: 10_000 });

  const read = async (withLedger: boolean): Promise<Report> =>
    buildReport(await readSources({ client, executionArn: arn, databaseUrl: db.url, withLedger }));

  for (const report of [await read(true), await read(false)]) {
    expect(report.status).toBe('ROLLED_BACK');
    expect(report.summary).toContain('was never dropped and is as it was before');
    expect(report.errors.at(-1)).toMatchObject({ name: 'OrphanedRows', outcome: 'led to the rollback' });
    expect(report.states.find((state) => state.name === 'RolledBack')?.outcome).toBe('failed');
  }
  expect((await read(false)).notes.join()).toContain('The ledger was not read');
});

it('takes no other database for its own', async () => {
  const [{ db }, other] = [await databaseWith(), await databaseWith()];
  const client = openEndpoint(db.url);
  const arn = await executed(client, { table: 'path', dryRun: false, lockTimeoutMs: 10_000 });

  const { trail, notes } = await readSources({
    client,
    executionArn: arn,
    databaseUrl: other.db.url,
    withLedger: true,
  });

  expect(trail).toBeNull();
  expect(notes?.join()).toMatch(
    /^The ledger at .* could not be read: the database at .* has no ledger.+This execution worked on database/,
  );
});

it('tells all executions of a migration in the report of any of them: who started each, why, and how it ended', async () => {
  const { db } = await databaseWith();
  const client = openEndpoint(db.url);
  const paused = await executed(client, {
    table: 'path',
    lockTimeoutMs: 10_000,
    rehearse: true,
    by: 'Ana',
    reason: 'CHG-7',
  });
  const done = await executed(client, { table: 'path', lockTimeoutMs: 10_000, by: '<b>Ben</b>' });

  const options = { client, executionArn: paused, databaseUrl: db.url, withLedger: true };
  const report = buildReport(await readSources(options));

  expect(report.executions).toMatchObject([
    { arn: paused, isThis: true, startedBy: 'Ana', reason: 'CHG-7', login: 'postgres', outcome: 'PAUSED' },
    { arn: done, isThis: false, startedBy: '<b>Ben</b>', reason: null, login: 'postgres', outcome: 'MIGRATED' },
  ]);
  expect(report.executions.every(({ statements, endedAt }) => statements > 0 && endedAt !== null)).toBe(true);
  expect(report.people).toMatchObject({ startedBy: 'Ana', reason: 'CHG-7' });
  const page = await render(report, 'html');
  expect(page).toContain('All executions of this migration');
  expect(page).not.toContain('<b>Ben</b>');
  const text = await render(report, 'markdown');
  expect(text).toContain('| Started by | `Ana` (as stated, not verified): CHG-7 |');
  expect(text).toMatch(/\| 2 \| `arn:\S+` \| .* \| MIGRATED \| `<b>Ben<\/b>` \|/);
});
