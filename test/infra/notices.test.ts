/** Who is told of an execution that did not succeed, and by how much it matters. */
import { describe, expect, it } from 'vitest';
import { ExitCode, exitCodeOfError } from '../../cli/exit-codes.ts';
import * as errors from '../../core/contracts/errors.ts';
import { REFUSALS } from '../../core/contracts/notices.ts';
import { defineFailureNotices } from '../../infra/operations/failure-notices.ts';
import { definitionOf, runWith } from './services.helpers.ts';
import { synthesize } from './stack.helpers.ts';

const definition = definitionOf(({ stack, main, topics }) =>
  defineFailureNotices(stack, { stateMachine: main, topics }),
);
const EXECUTION = 'arn:aws:states:eu-central-1:123456789012:execution:p2pfk:x';

interface AlarmProperties {
  readonly AlarmDescription: string;
  readonly AlarmActions: readonly unknown[];
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm: number;
  readonly Threshold: number;
  readonly Period?: number;
  readonly Metrics?: readonly { readonly MetricStat?: { readonly Period: number } }[];
}

/** Of an alarm on an expression: that of the metrics in it. */
function periodOf({ Period, Metrics = [] }: AlarmProperties): number {
  return Period ?? Metrics.find(({ MetricStat }) => MetricStat)?.MetricStat?.Period ?? 0;
}

async function noticesOf(described: object) {
  const { outcome, calls } = await runWith(
    definition,
    { execution: EXECUTION },
    { Describe: async () => described, Page: async () => ({}), Warn: async () => ({}), Inform: async () => ({}) },
  );
  expect(outcome.status).toBe('SUCCEEDED');
  expect(calls[0]).toEqual({ state: 'Describe', event: { ExecutionArn: EXECUTION } });
  return calls.slice(1).map(({ event }) => event as { TopicArn: string; Subject: string; Message: string });
}

const failed = (error: string, cause = 'because') => ({ Status: 'FAILED', Error: error, Cause: cause });

describe('an execution that did not succeed', () => {
  it.each([
    ['InvalidInput', ['info']],
    ['PreflightFailed', ['info']],
    ['Superseded', []],
    ['MigrationRolledBack', ['warning']],
    ['PauseFailed', ['warning']],
    ['ConnectionLost', ['warning']],
    ['States.Runtime', ['warning']],
    ['RollbackFailed', ['page']],
    ['RollbackInterrupted', ['page']],
  ])('by %s is told to %j, at most once', async (error, severities) => {
    const notices = await noticesOf(failed(error));
    expect(notices.map(({ TopicArn }) => TopicArn.split(':').at(-1))).toEqual(severities);
  });

  it('is told with error, cause and a link, in a message that mail shows as it is', async () => {
    const cause = JSON.stringify({ errorType: 'OrphanedRows', errorMessage: '3 rows of path' });
    const [notice] = await noticesOf(failed('MigrationRolledBack', cause));
    expect(notice?.Message).toContain(`Error: MigrationRolledBack. Cause: ${cause} `);
    expect(notice?.Message).toMatch(
      `FAILED: https://eu-central-1.console.aws.amazon.com/states/home#/v2/executions/details/${EXECUTION}`,
    );
    // SNS takes 100 ASCII characters.
    expect(notice?.Subject).toMatch(/^[\x20-\x7e]{1,100}$/);
  });

  it.each([
    ['stopped without a word', { Status: 'ABORTED' }],
    ['timed out', { Status: 'TIMED_OUT' }],
  ])('because it was %s is told all the same', async (_, described) => {
    const [notice] = await noticesOf(described);
    expect(notice?.Message).toMatch(new RegExp(`Error: none. .*, ${described.Status}: https`));
  });

  it('is a refusal for each error by which a plan refuses, and for no other', () => {
    const classes = Object.values(errors).filter(
      (one) => typeof one === 'function' && one.prototype instanceof errors.P2pfkError,
    );
    const made = classes.map((one) => new (one as unknown as new (message: string) => errors.P2pfkError)(''));
    const codes: readonly number[] = [ExitCode.BadInput, ExitCode.Refused];
    const refusals = made.filter(
      (error) => !error.name.startsWith('Connection') && codes.includes(exitCodeOfError(error)),
    );
    expect([...REFUSALS].sort()).toEqual(refusals.map(({ name }) => name).sort());
  });
});

describe('an execution of which Step Functions does not say how it ended', () => {
  it('is told to a person at once: it may be a rollback that failed', async () => {
    const refused = Object.assign(new Error('no answer'), { name: 'Sfn.SfnException' });
    const { outcome, calls } = await runWith(
      definition,
      { execution: EXECUTION },
      {
        Describe: async () => Promise.reject(refused),
        Page: async () => ({}),
        Warn: async () => ({}),
        Inform: async () => ({}),
      },
    );
    expect(outcome.status).toBe('SUCCEEDED');
    const [, notice] = calls.map(({ event }) => event as { TopicArn: string; Message: string });
    expect(notice?.TopicArn).toMatch(/:page$/);
    expect(notice?.Message).toContain('Error: not known. Cause: it could not be asked for (Sfn.SfnException)');
    expect(notice?.Message).toMatch(`/details/${EXECUTION}`);
  });

  it('also where its input is too large for an answer', () => {
    // The local engine lets no Catch have this error. In AWS one with its name has it, and States.ALL has not.
    const { Catch } = definition.States.Describe as { Catch?: readonly object[] };
    expect(Catch?.[0]).toMatchObject({ ErrorEquals: ['States.DataLimitExceeded'], Next: 'Unknown' });
    expect(definition.States.Unknown).toMatchObject({ Next: 'Page' });
  });
});

describe('topics and thresholds', () => {
  const arn = (name: string) => `arn:aws:sns:eu-central-1:123456789012:${name}`;
  const template = synthesize({
    settings: {
      alarmTopicArn: arn('all'),
      severityTopicArns: { page: arn('on-call') },
      alarms: { forecastPercent: 400, unprotectedPartitions: 2, tablesNotRead: 3, failedLooks: 1 },
    },
  });
  const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
    ({ Properties }): AlarmProperties => Properties,
  );
  const alarm = (text: string) => alarms.find(({ AlarmDescription }) => AlarmDescription.includes(text));

  it('are those of the settings: what needs a person now goes to the topic of its own', () => {
    const paged = alarms.filter(({ AlarmActions }) => AlarmActions[0] === arn('on-call'));
    expect(paged).toEqual([alarm('could not be brought to rest')]);
    expect(alarms.filter(({ AlarmActions }) => AlarmActions[0] === arn('all'))).toHaveLength(alarms.length - 1);
    template.resourceCountIs('AWS::SNS::Topic', 0);
    expect(alarm('longer than its plan')?.Threshold).toBe(400);
    expect(alarm('without a valid foreign key')?.Threshold).toBe(2);
    expect(alarm('did not look at all of a table')?.Threshold).toBe(3);
    expect(alarm('no look for dead executions')?.DatapointsToAlarm).toBe(2);
  });

  it('let no alarm come and go between two values: it stays on until the next one is due', () => {
    const seconds = (one: AlarmProperties | undefined) => (one ? one.EvaluationPeriods * periodOf(one) : 0);
    // The audit measures once a day, a validation at intervals that grow up to half an hour.
    expect(seconds(alarm('without a valid foreign key'))).toBeGreaterThan(86_400);
    expect(seconds(alarm('did not look at all of a table'))).toBeGreaterThan(86_400);
    expect(seconds(alarm('longer than its plan'))).toBeGreaterThanOrEqual(10_800);
    // 7 days for periods of an hour, one day for shorter ones.
    for (const one of alarms) expect(seconds(one)).toBeLessThanOrEqual(periodOf(one) >= 3_600 ? 604_800 : 86_400);
  });

  it('leave the end of an execution to its notice: no alarm tells it a second time', () => {
    const [main] = Object.keys(template.findResources('AWS::StepFunctions::StateMachine')).filter((id) =>
      /MigrationStateMachine/.test(id),
    );
    expect(main).toBeDefined();
    expect(JSON.stringify(alarms)).not.toContain(`"${main}"`);
  });
});
