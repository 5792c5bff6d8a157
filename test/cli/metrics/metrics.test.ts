/** `/metrics` of `p2pfk serve`: what it counts, who may read it, and a real scrape. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ExecutionMetrics } from '../../../cli/metrics/metrics.ts';
import { openMetrics, type ServedMetrics, withMetrics } from '../../../cli/metrics/route.ts';
import type { ProgressEvent } from '../../../cli/progress/events.ts';
import { advance } from '../../../cli/progress/progress.ts';
import { NOTHING_YET } from '../../../cli/progress/state.ts';
import { STATE_MACHINE_ARN } from '../../../local/step-functions/arns.ts';
import { databaseWith } from '../../core/case.helpers.ts';
import { stateDirectory } from '../../local/endpoint.helpers.ts';
import { start } from '../cli.helpers.ts';

const AT = Date.parse('2026-11-28T12:00:00Z');
const ARN = 'arn:aws:states:local:000000000000:execution:p2pfk:secret-name';
const TOKEN = 'a-token-of-this-test-1234567890';

/** Samples of the text format, by name and labels. */
function parsed(text: string): Record<string, number> {
  const samples: Record<string, number> = {};
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const [, series = '', value = ''] = /^([a-z0-9_]+(?:\{[a-z]+="[A-Za-z_]+"\})?) (\S+)$/.exec(line) ?? [];
    expect(series, line).not.toBe('');
    samples[series] = Number(value);
  }
  return samples;
}

const plan = {
  status: 'PLANNED',
  migrationId: '7',
  database: { systemIdentifier: null, databaseOid: 5, database: 'secret_db', endpoint: 'secret:5432' },
  table: 'secret.path',
  referencedTable: 'secret.inode',
  constraint: 'secret_fkey',
  pairs: [1, 2, 3].map((pair) => ({ pair, last: pair, referencing: `secret.path_${pair}` })),
  pairCount: 3,
  maxConcurrency: 4,
};
const pair = (number: number, lockWaitMs: number, status = 'DONE') => ({
  ...{ status, pair: number, of: 3, referencing: `secret_${number}`, referenced: 'secret', object: 'fk', rows: 1 },
  ...{ durationMs: 1, lockWaitMs, waitSeconds: 0 },
});
const gate = (status: string) => ({ status, pairs: 3, reason: '', waitSeconds: 1 });
const result = (state: string, output: unknown): ProgressEvent => ({ type: 'TaskSucceeded', state, output, at: AT });

function observed(metrics: ExecutionMetrics, events: readonly ProgressEvent[]) {
  const observer = metrics.observe(ARN);
  let progress = NOTHING_YET;
  for (const event of events) {
    ({ progress } = advance(progress, event));
    observer.onEvent(event, progress);
  }
  return observer;
}

describe('metrics', () => {
  it('count executions, pairs, locks and approvals, and name none of them', async () => {
    const metrics = new ExecutionMetrics();
    const observer = observed(metrics, [
      result('Plan', plan),
      result('BuildIndex', pair(1, 0)),
      result('AddForeignKey', pair(1, 250)),
      result('AddForeignKey', pair(2, 40)),
      result('AddForeignKey', pair(3, 9_000, 'RUNNING')),
      { type: 'TaskFailed', state: 'AddForeignKey', failure: { name: 'LockTimeout', message: 'secret' }, at: AT },
      { type: 'TaskFailed', state: 'AddForeignKey', failure: { name: 'ConnectionLost', message: 'secret' }, at: AT },
      result('VerifyGate', gate('AWAITING_APPROVAL')),
    ]);

    const text = await metrics.text();
    expect(parsed(text)).toEqual({
      p2pfk_executions_running: 1,
      p2pfk_approvals_open: 1,
      'p2pfk_lock_tries_total{result="granted"}': 3,
      'p2pfk_lock_tries_total{result="refused"}': 1,
      p2pfk_lock_wait_longest_seconds: 0.25,
      p2pfk_lock_hold_longest_seconds: 0,
      'p2pfk_pairs_done{step="BuildIndex"}': 1,
      'p2pfk_pairs_left{step="BuildIndex"}': 2,
      'p2pfk_pairs_done{step="AddForeignKey"}': 2,
      'p2pfk_pairs_left{step="AddForeignKey"}': 1,
      'p2pfk_pairs_done{step="ValidateForeignKey"}': 0,
      'p2pfk_pairs_left{step="ValidateForeignKey"}': 3,
      p2pfk_last_progress_timestamp_seconds: AT / 1_000,
    });
    expect(text).not.toContain('secret');

    observer.onEvent(
      result('DropParentForeignKey', { status: 'DROPPED', constraint: 'secret', lockedMs: 120 }),
      NOTHING_YET,
    );
    const report = { status: 'MIGRATED', migrationId: '7', error: null } as const;
    observer.onEnd({ report, outcome: { status: 'SUCCEEDED' }, at: AT });
    expect(parsed(await metrics.text())).toEqual({
      p2pfk_executions_running: 0,
      p2pfk_approvals_open: 0,
      'p2pfk_executions_ended_total{status="MIGRATED"}': 1,
      'p2pfk_lock_tries_total{result="granted"}': 4,
      'p2pfk_lock_tries_total{result="refused"}': 1,
      p2pfk_lock_wait_longest_seconds: 0.25,
      p2pfk_lock_hold_longest_seconds: 0.12,
    });
  });

  it('of several executions are added up, and the one without progress for the longest time counts', async () => {
    const metrics = new ExecutionMetrics();
    observed(metrics, [result('Plan', plan), result('BuildIndex', pair(1, 0))]);
    const later = metrics.observe('arn:another');
    const { progress } = advance(NOTHING_YET, result('Plan', plan));
    later.onEvent({ ...result('Plan', plan), at: AT + 60_000 }, progress);

    expect(parsed(await metrics.text())).toMatchObject({
      p2pfk_executions_running: 2,
      'p2pfk_pairs_done{step="BuildIndex"}': 1,
      'p2pfk_pairs_left{step="BuildIndex"}': 5,
      p2pfk_last_progress_timestamp_seconds: AT / 1_000,
    });
  });
});

async function served(metrics: ServedMetrics | null): Promise<string> {
  const server = createServer(withMetrics((_, response) => void response.end('the console'), metrics));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function asked(url: string, authorization?: string, method = 'GET') {
  const response = await fetch(url, { method, ...(authorization === undefined ? {} : { headers: { authorization } }) });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

describe('the metrics of a server', () => {
  it('are not there unless they are asked for', async () => {
    const url = await served(null);

    expect((await asked(`${url}/metrics`, `Bearer ${TOKEN}`)).status).toBe(404);
    expect((await asked(`${url}/metrics?x`)).status).toBe(404);
    expect((await asked(`${url}/`)).text).toBe('the console');
    expect((await asked(`${url}/metricsx`)).text).toBe('the console');
  });

  it('are for requests with the token only', async () => {
    const metrics = await openMetrics({ P2PFK_METRICS_TOKEN: TOKEN });
    const url = await served(metrics);

    for (const wrong of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      TOKEN,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Basic ${TOKEN}`,
    ]) {
      const refused = await asked(`${url}/metrics`, wrong);
      expect({ wrong, status: refused.status }).toEqual({ wrong, status: 401 });
      expect(refused.headers.get('www-authenticate')).toBe('Bearer');
      expect(refused.text).not.toContain('p2pfk_');
    }
    expect((await asked(`${url}/metrics?token=${TOKEN}`)).status).toBe(401);
    expect((await asked(`${url}/metrics`, `Bearer ${TOKEN}`, 'POST')).status).toBe(405);
    const scraped = await asked(`${url}/metrics`, `Bearer ${TOKEN}`);
    expect(scraped.status).toBe(200);
    expect(scraped.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(parsed(scraped.text)).toMatchObject({ p2pfk_executions_running: 0 });
    expect(metrics.isNewToken).toBe(false);
  });

  it('have a new token at each start where the environment has none, and take none that is short', async () => {
    const [one, other] = await Promise.all([openMetrics({}), openMetrics({})]);

    expect(one.token).toMatch(/^[\w-]{43}$/);
    expect(one.token).not.toBe(other.token);
    for (const token of ['short', `${TOKEN} with a blank`, `${TOKEN}\n`])
      await expect(openMetrics({ P2PFK_METRICS_TOKEN: token })).rejects.toThrow(
        /^P2PFK_METRICS_TOKEN must have at least 24/,
      );
  });
});

it('a real server is scraped while an execution waits for approval', async () => {
  const { db } = await databaseWith();
  const child = start(['serve', '--port', '0', '--metrics', '--json', '--quiet', '--state-dir', stateDirectory()], {
    DATABASE_URL: db.url,
  });
  onTestFinished(() => void child.child.kill('SIGKILL'));
  await child.says('}\n');
  const { endpointUrl: endpoint, accessKeyId, secretAccessKey, metricsToken } = JSON.parse(child.output());
  const client = new SFNClient({ endpoint, region: 'local', credentials: { accessKeyId, secretAccessKey } });
  onTestFinished(() => client.destroy());
  const input = JSON.stringify({ table: 'path', approval: 'manual', accept: ['all'] });
  await client.send(new StartExecutionCommand({ stateMachineArn: STATE_MACHINE_ARN, input }));
  const scrape = async () => parsed((await asked(`${endpoint}/metrics`, `Bearer ${metricsToken}`)).text);

  await expect.poll(async () => (await scrape()).p2pfk_approvals_open, { timeout: 100_000 }).toBe(1);
  expect(await scrape()).toMatchObject({
    p2pfk_executions_running: 1,
    'p2pfk_pairs_done{step="ValidateForeignKey"}': 3,
    'p2pfk_pairs_left{step="ValidateForeignKey"}': 0,
  });
  expect((await asked(`${endpoint}/metrics`)).status).toBe(401);
  child.child.kill('SIGTERM');
  await child.finished;
});
