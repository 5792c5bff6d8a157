/** `p2pfk serve`, asked by the AWS command line; and `watch`, `stop` and `history` of what runs in another process. */
import { execFile, execFileSync } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { STATE_MACHINE_ARN } from '../../local/step-functions/arns.ts';
import { stateDirectory } from '../local/endpoint.helpers.ts';
import { createDatabase } from '../support/database.ts';
import { cleanEnvironment, p2pfk, start } from './cli.helpers.ts';
import { conforming } from './json.helpers.ts';

const AWS = installedAws();

function installedAws(): string | null {
  try {
    return execFileSync('aws', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}

async function sourceCase(): Promise<{ readonly DATABASE_URL: string }> {
  const db = await createDatabase('source-case');
  onTestFinished(() => db.drop());
  return { DATABASE_URL: db.url };
}

/** Version 2 prints ISO 8601, version 1 what came over the wire. */
function timeOf(printed: string | number): number {
  return typeof printed === 'number' ? printed * 1000 : Date.parse(printed);
}

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Variables = Readonly<Record<string, string>>;

/** The AWS command line, as anybody has it: without a configuration, and with the variables that `serve` printed. */
function aws(endpointUrl: string, variables: Variables, ...args: string[]): Promise<Answer> {
  const env = {
    ...cleanEnvironment(),
    ...variables,
    AWS_DEFAULT_REGION: 'eu-central-1',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_PAGER: '',
  };
  const all = ['stepfunctions', ...args, '--endpoint-url', endpointUrl, '--output', 'json'];
  return new Promise((resolve) => {
    execFile('aws', all, { env, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    );
  });
}

describe.skipIf(AWS === null)(
  `p2pfk serve and the AWS command line${AWS === null ? ' (aws is not installed)' : ''}`,
  () => {
    it('start, describe, read, list and stop executions', async () => {
      const env = await sourceCase();
      const served = start(['serve', '--port', '0', '--quiet', '--state-dir', stateDirectory()], env);
      onTestFinished(async () => {
        served.child.kill('SIGTERM');
        await served.finished;
      });
      await served.says('http://');
      await served.says('AWS_SECRET_ACCESS_KEY=');
      const [url = ''] = /http:\/\/\S+/.exec(served.output()) ?? [];
      const variables = Object.fromEntries(
        [...served.output().matchAll(/^export (AWS_\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]),
      );
      for (const [wrong, fault] of [
        [{ ...variables, AWS_ACCESS_KEY_ID: 'anything' }, '(UnrecognizedClientException)'],
        [{ ...variables, AWS_SECRET_ACCESS_KEY: 'anything' }, '(InvalidSignatureException)'],
      ] as const) {
        const refused = await aws(url, wrong, 'list-state-machines');
        expect({ code: refused.code !== 0, stderr: refused.stderr }).toEqual({
          code: true,
          stderr: expect.stringContaining(fault),
        });
      }
      const json = async (...args: string[]) => {
        const { code, stdout, stderr } = await aws(url, variables, ...args);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        return JSON.parse(stdout);
      };
      const startIt = (input: object, name: string) =>
        json(
          'start-execution',
          ...['--state-machine-arn', STATE_MACHINE_ARN, '--name', name, '--input', JSON.stringify(input)],
        );
      const describeIt = (arn: string) => json('describe-execution', '--execution-arn', arn);

      const waiting = await startIt({ table: 'public.path', approval: 'manual' }, 'waits');
      const newest = () =>
        json('get-execution-history', '--execution-arn', waiting.executionArn, '--reverse-order', '--max-items', '1');
      await expect
        .poll(async () => (await newest()).events[0].stateEnteredEventDetails?.name, { timeout: 60_000 })
        .toBe('WaitForApproval');
      expect((await newest()).events).toHaveLength(1);
      const stopped = await json('stop-execution', '--execution-arn', waiting.executionArn, '--cause', 'enough');
      expect(await describeIt(waiting.executionArn)).toMatchObject({
        status: 'ABORTED',
        cause: 'enough',
        stopDate: stopped.stopDate,
      });

      const { executionArn } = await startIt({ table: 'public.path' }, 'by-the-aws-cli');
      await expect.poll(async () => (await describeIt(executionArn)).status, { timeout: 60_000 }).not.toBe('RUNNING');
      const ended = await describeIt(executionArn);
      expect(ended).toMatchObject({ status: 'SUCCEEDED', name: 'by-the-aws-cli' });
      expect(JSON.parse(ended.output)).toMatchObject({ status: 'MIGRATED', pairs: 17 });
      expect(timeOf(ended.stopDate)).toBeGreaterThanOrEqual(timeOf(ended.startDate));

      const { events } = await json('get-execution-history', '--execution-arn', executionArn, '--page-size', '50');
      expect(events.map(({ id }: { id: number }) => id)).toEqual(events.map((_: unknown, index: number) => index + 1));
      const count = (type: string) => events.filter((event: { type: string }) => event.type === type).length;
      expect({ maps: count('MapStateSucceeded'), iterations: count('MapIterationSucceeded') }).toEqual({
        maps: 3,
        iterations: 3 * 17,
      });
      expect(events.at(-1).type).toBe('ExecutionSucceeded');
      const again = await aws(
        url,
        variables,
        'start-execution',
        '--state-machine-arn',
        STATE_MACHINE_ARN,
        '--name',
        'by-the-aws-cli',
      );
      expect(again.code).not.toBe(0);
      expect(again.stderr).toContain('(ExecutionAlreadyExists)');

      const { executions } = await json('list-executions', '--state-machine-arn', STATE_MACHINE_ARN);
      expect(executions.map(({ name, status }: Record<string, string>) => `${name} ${status}`)).toEqual([
        'by-the-aws-cli SUCCEEDED',
        'waits ABORTED',
      ]);
      // Once, when it started, and nowhere else.
      expect(served.output().split(variables.AWS_SECRET_ACCESS_KEY ?? '')).toHaveLength(2);
    });
  },
);

describe('an execution of another process', () => {
  it('is watched, stopped and read through the store, and said how to go on', async () => {
    const env = await sourceCase();
    const migration = start(['migrate', '-t', 'path', '--approval', 'manual', '--json'], env);
    await migration.says('Waiting for approval');
    const store = await p2pfk(
      ['history', '--execution', 'arn:aws:states:local:000000000000:execution:p2pfk:none'],
      env,
    );
    expect({ code: store.code, stderr: store.stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^p2pfk: cannot look at the execution: ExecutionDoesNotExist.*--state-dir.*\n$/),
    });
    const executionArn = await newestExecution(env);

    const watching = start(['watch', '--execution', executionArn], env);
    await watching.says('Waiting for approval');
    const stopped = await p2pfk(['stop', '--execution', executionArn, '--cause', 'the window closes'], env);

    expect({ code: stopped.code, stdout: stopped.stdout }).toEqual({
      code: 0,
      stdout: `‖ Stopped: no further step starts
What is done stays done. This goes on from there:
  p2pfk migrate --table path
This undoes it:
  p2pfk rollback --table path
`,
    });
    const watched = await watching.finished;
    expect(watched.code).toBe(6);
    expect(watched.stdout).toContain('[17/17] ✓ Validated FK for path_p_');
    const { code, stdout } = await migration.finished;
    expect({ code, report: JSON.parse(stdout) }).toMatchObject({
      code: 6,
      report: {
        status: 'PAUSED',
        error: {
          name: 'Interrupted',
          message: expect.stringMatching(
            /^stopped by \S+@\S+ \(as stated, not verified\) with p2pfk stop: the window closes$/,
          ),
        },
      },
    });

    const again = await p2pfk(['stop', '--execution', executionArn, '--json'], env);
    expect(conforming('stopped', again.stdout)).toMatchObject({ executionArn, status: 'ABORTED' });
    const history = await p2pfk(['history', '--execution', executionArn], env);
    expect(history.stdout).toMatch(/^ +\d+ +\+0:\d\d\.\d{3} {2}LambdaFunctionScheduled +AddForeignKey +path_p_\w+$/m);
    expect(history.stdout).toMatch(
      /✗ ExecutionAborted +Interrupted: stopped by .* with p2pfk stop: the window closes\n$/,
    );
    const events = await p2pfk(['history', '--execution', executionArn, '--json'], env);
    expect(conforming('history', events.stdout)).toMatchObject({
      execution: { executionArn, status: 'ABORTED' },
      events: expect.arrayContaining([
        expect.objectContaining({ id: 1, previousEventId: 0, type: 'ExecutionStarted' }),
      ]),
    });
  });
});

async function newestExecution(env: Readonly<Record<string, string>>): Promise<string> {
  const { SFNClient, ListExecutionsCommand } = await import('@aws-sdk/client-sfn');
  const served = start(['serve', '--port', '0', '--json'], env);
  await served.says('}');
  const text = served.output().slice(0, served.output().indexOf('}') + 1);
  conforming('served', text);
  const { endpointUrl, stateMachineArn, ...credentials } = JSON.parse(text);
  const client = new SFNClient({ region: 'local', endpoint: endpointUrl, credentials });
  const { executions } = await client.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 1 }));
  client.destroy();
  served.child.kill('SIGINT');
  // Nothing of its own ran.
  expect((await served.finished).code).toBe(0);
  return executions?.[0]?.executionArn ?? '';
}
