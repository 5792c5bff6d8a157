/** `--trace`: spans as a collector gets them, by OTLP over HTTP with JSON. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Subject } from '../../../cli/hooks/milestones.ts';
import type { ProgressEvent } from '../../../cli/progress/events.ts';
import { NOTHING_YET } from '../../../cli/progress/state.ts';
import { openTraces } from '../../../cli/tracing/traces.ts';
import { databaseWith } from '../../core/case.helpers.ts';
import { stateDirectory } from '../../local/endpoint.helpers.ts';
import { p2pfkHere } from '../here.helpers.ts';
import { type Receiver, receiver } from '../hooks/receiver.helpers.ts';

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string };
}

interface ExportedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number; readonly message?: string };
}

function spansOf({ requests }: Receiver): ExportedSpan[] {
  return requests.flatMap(({ body }) =>
    JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: ExportedSpan[] }[] }) =>
      scopeSpans.flatMap(({ spans }) => spans),
    ),
  );
}

function attributesOf({ attributes }: ExportedSpan): Record<string, string | number | undefined> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? (value.intValue === undefined ? undefined : Number(value.intValue)),
    ]),
  );
}

const LONG_MS = 60_000;
const FAILED = '! --trace: spans could not be exported; the migration is not affected, and this is reported once';
const collector = () =>
  receiver((response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));

it('a migration is one trace: the execution, its stages, and each call of a step for each pair', async () => {
  const { db } = await databaseWith();
  const there = await collector();
  const env = {
    DATABASE_URL: db.url,
    P2PFK_STATE_DIR: stateDirectory(),
    OTEL_EXPORTER_OTLP_ENDPOINT: there.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=hunter2hunter2hunter2',
  };

  const { code, stdout, stderr } = await p2pfkHere(
    ['migrate', '-t', 'path', '--accept', 'all', '--trace', '--json'],
    env,
  );

  expect({ code, status: JSON.parse(stdout).status }).toEqual({ code: 0, status: 'MIGRATED' });
  expect(`${stdout}${stderr}`).not.toContain('hunter2');
  expect(there.requests.every(({ path, headers }) => path === '/v1/traces' && headers['api-key'] !== undefined)).toBe(
    true,
  );
  const spans = spansOf(there);
  const [root, ...others] = spans.filter(({ parentSpanId }) => !parentSpanId);
  expect(others).toEqual([]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(root?.name).toBe('p2pfk migrate');
  expect(attributesOf(root as ExportedSpan)).toMatchObject({
    'db.system.name': 'postgresql',
    'p2pfk.table': 'public.path',
    'p2pfk.constraint': 'path_fk',
    'p2pfk.pairs': 3,
    'p2pfk.status': 'MIGRATED',
    'p2pfk.execution_arn': JSON.parse(stdout).executionArn,
  });
  const below = (parent: ExportedSpan | undefined) =>
    spans.filter(({ parentSpanId }) => parentSpanId === parent?.spanId);
  const names = below(root).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      'Plan',
      'BuildIndexes',
      'AddForeignKeys',
      'ValidateForeignKeys',
      'VerifyGate',
      'DropParentForeignKey',
      'VerifyMigration',
    ]),
  );
  for (const stage of ['AddForeignKeys', 'ValidateForeignKeys']) {
    const calls = below(below(root).find(({ name }) => name === stage));
    expect(new Set(calls.map((call) => attributesOf(call)['p2pfk.pair']))).toEqual(new Set([1, 2, 3]));
    expect(new Set(calls.map(({ name }) => `${name}s`))).toEqual(new Set([stage]));
  }
  for (const { startTimeUnixNano, endTimeUnixNano } of spans)
    expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
  // No statement, and nothing of a row: see the data of the test case.
  expect(there.requests.map(({ body }) => body).join()).not.toMatch(/ALTER TABLE|SELECT|a name|password/i);
});

const SUBJECT = { executionArn: 'arn', operation: 'migrate', table: 'path' } as const;
const AT = Date.now();
const event = (type: ProgressEvent['type'], more: Partial<ProgressEvent> = {}): ProgressEvent => ({
  ...{ type, state: 'AddForeignKey', attempt: 1, input: { pair: 1, referencing: 'public.path_1' }, at: AT },
  ...more,
});

/** One execution with a failed try, whose message quotes data, and its end. */
async function traced(url: string, endMs: number, subject: Subject = SUBJECT): Promise<string[]> {
  vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', `${url}/v1/traces`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const warnings: string[] = [];
  const traces = openTraces((line) => warnings.push(line), endMs);
  const observer = traces.observe(subject);
  observer.onEvent(event('TaskScheduled'), NOTHING_YET);
  observer.onEvent(
    event('TaskFailed', { failure: { name: 'LockTimeout', message: "held by: UPDATE t SET x = 'data'" } }),
    NOTHING_YET,
  );
  observer.onEvent(event('TaskScheduled', { attempt: 2, at: AT + 10 }), NOTHING_YET);
  const error = { name: 'Interrupted', message: "'data'" };
  const report = { status: 'PAUSED', migrationId: '7', error } as const;
  observer.onEnd({ report, outcome: { status: 'ABORTED' }, at: AT + 20 });
  await traces.close();
  return warnings;
}

describe('a trace', () => {
  it('has the name of an error and never its message, and ends what the execution has cut off', async () => {
    const there = await collector();

    expect(await traced(there.url, LONG_MS)).toEqual([]);

    const spans = spansOf(there);
    expect(spans.map(({ name, status }) => `${name} ${status.message ?? 'ok'}`).sort()).toEqual([
      'AddForeignKey LockTimeout',
      'AddForeignKey ok',
      'AddForeignKeys ok',
      'p2pfk migrate Interrupted',
    ]);
    const failed = spans.find(({ status }) => status.message === 'LockTimeout');
    expect(attributesOf(failed as ExportedSpan)).toEqual({
      'p2pfk.attempt': 1,
      'p2pfk.pair': 1,
      'p2pfk.referencing': 'public.path_1',
      'error.type': 'LockTimeout',
    });
    expect(there.requests.map(({ body }) => body).join()).not.toContain('data');
  });

  it('has no password of ours, which may have been typed as the name of a table', async () => {
    vi.stubEnv('PGPASSWORD', 'Zq7-secretPW.99');
    onTestFinished(() => void vi.unstubAllEnvs());
    const there = await collector();

    await traced(there.url, LONG_MS, { ...SUBJECT, table: '"Zq7-secretPW.99"' });

    expect(spansOf(there).length).toBeGreaterThan(0);
    expect(there.requests.map(({ body }) => body).join()).not.toContain('Zq7');
  });

  it('is one warning where the collector refuses it, and where it is not there', async () => {
    const refusing = await receiver((response) => void response.writeHead(400).end());

    expect(await traced(refusing.url, LONG_MS)).toEqual([FAILED]);
    expect(await traced('http://127.0.0.1:2', 500)).toEqual([FAILED]);
  });

  it('does not delay the end of the process for longer than allowed, where the collector hangs', async () => {
    const hanging = await receiver(() => undefined);

    expect(await traced(hanging.url, 200)).toEqual([FAILED]);
  });

  it.each([
    [{}, 'export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }, 'OTEL_EXPORTER_OTLP_ENDPOINT must be a URL'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'file:///tmp/x' }, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be a URL'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://192.0.2.2:4318' }, 'OTEL_EXPORTER_OTLP_ENDPOINT must begin with https://'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1.example.com' }, 'OTEL_EXPORTER_OTLP_ENDPOINT must begin with'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://me:pw@c.example.com' }, 'OTEL_EXPORTER_OTLP_ENDPOINT may have no user'],
  ])('needs a collector: %j is refused in one line', async (env, expected) => {
    const { code, stdout, stderr } = await p2pfkHere(['migrate', '-t', 'path', '--trace'], { PGPORT: '1', ...env });

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^p2pfk: [^\n]+\n$/);
    expect(stderr).toContain(expected);
  });
});
