import { afterEach, describe, expect, it } from 'vitest';
import { p2pfk, start } from './cli.helpers.ts';
import { conforming } from './json.helpers.ts';
import { cause, fence, pair, pairInput, plan } from './progress.helpers.ts';
import { type Endpoint, openEndpoint, type Script, STATE_MACHINE, task } from './start.helpers.ts';

let endpoint: Endpoint;
afterEach(() => endpoint.close());

/** `p2pfk start` against an endpoint that follows `script`. */
async function startAgainst(script: Script, ...args: string[]) {
  endpoint = await openEndpoint(script);
  return p2pfk(['start', '-s', STATE_MACHINE, '--endpoint-url', endpoint.url, '-t', 'public.path', ...args]);
}

const sixPassed = [
  'pair-foreign-keys',
  'parent-foreign-key',
  'foreign-key-targets',
  'delete-performance',
  'orphans',
  'inventory',
].map((id) => ({ id, passed: true }));
const migrated = { status: 'MIGRATED', migrationId: 'm-1', checks: sixPassed, reason: '' };

describe('p2pfk start', () => {
  it('starts an execution with only what was given, under a name of its own', async () => {
    const { code, stdout } = await startAgainst(
      {},
      ...['--max-concurrency', '8', '--approval', 'manual', '--approval-timeout', '8h', '--max-replica-lag', '1.5s'],
      ...['--max-active-sessions', '50', '--hold-back-query', 'SELECT false', '--terminate-idle-blockers', '5m'],
      ...['--maintenance-work-mem', '2GB', '--no-row-movement-guard', '--rehearse'],
      ...['--by', 'Ana', '--reason', 'CHG-7'],
    );

    const [{ operation, body } = { operation: '', body: {} }] = endpoint.requests;
    expect({ code, operation }).toEqual({ code: 0, operation: 'StartExecution' });
    expect(JSON.parse(String(body.input))).toEqual({
      table: 'public.path',
      maxConcurrency: 8,
      approval: 'manual',
      approvalTimeoutSeconds: 28_800,
      maxReplicaLagSeconds: 1.5,
      maxActiveSessions: 50,
      holdBackQuery: 'SELECT false',
      terminateIdleBlockersAfterSeconds: 300,
      maintenanceWorkMemMb: 2048,
      rowMovementGuard: false,
      rehearse: true,
      by: 'Ana',
      reason: 'CHG-7',
    });
    expect(body.name).toMatch(/^p2pfk-public-path-\d{8}T\d{6}-[0-9a-f]{6}$/);
    expect(stdout).toBe(`Started execution: ${STATE_MACHINE.replace('stateMachine', 'execution')}:${body.name}\n`);
  });

  it('prints one JSON document with --json', async () => {
    const { stdout, stderr } = await startAgainst({}, '--json', '--name', 'mine', '--operation', 'rollback');

    const executionArn = `${STATE_MACHINE.replace('stateMachine', 'execution')}:mine`;
    expect(conforming('started', stdout)).toEqual({ executionArn });
    expect(stderr).toBe(`Started execution: ${executionArn}\n`);
    expect(JSON.parse(String(endpoint.requests[0]?.body.input))).toEqual({
      table: 'public.path',
      operation: 'rollback',
      by: expect.stringMatching(/^\S+@\S+$/),
    });
  });

  it.each([
    [
      [400, 'StateMachineDoesNotExist', 'State Machine Does Not Exist: x'],
      /^p2pfk: cannot start the execution: StateMachineDoesNotExist: .*; check --state-machine, its account and its region\n$/,
    ],
    [
      [400, 'AccessDeniedException', 'User is not authorized'],
      /AccessDeniedException: User is not authorized; states:StartExecution is needed/,
    ],
    [
      [403, 'InvalidSignatureException', 'The signature does not match.\n\nx-amz-security-token:TOPSECRET'],
      /InvalidSignatureException: The signature does not match; /,
    ],
  ] as const)('tells what the SDK throws in one line, exit 2: %j', async (refuse, message) => {
    const { code, stdout, stderr } = await startAgainst({ refuse });

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('TOPSECRET');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('says so when nothing listens at the endpoint, exit 2', async () => {
    endpoint = await openEndpoint({});
    await endpoint.close();

    const { code, stderr } = await p2pfk(['start', '-s', STATE_MACHINE, '-t', 'path', '--endpoint-url', endpoint.url]);

    expect(code).toBe(2);
    expect(stderr).toMatch(/^p2pfk: cannot start the execution: ECONNREFUSED.*check --endpoint-url\n$/);
  });

  it.each([
    [['--name', 'has space'], /--name must be 1 to 80/],
    [['--operation', 'undo'], /--operation must be migrate or rollback/],
    [['--operation', 'rollback', '--dry-run'], /--dry-run has no meaning for a rollback/],
    [
      ['--operation', 'rollback', '--hold-back-query', 'SELECT true'],
      /--hold-back-query has no meaning for a rollback/,
    ],
    [['--approval-timeout', '8h'], /--approval-timeout has no meaning without --approval manual/],
    [['--endpoint-url', 'ftp://x'], /--endpoint-url must begin with http/],
    [['--approval', 'perhaps'], /--approval must be auto or manual/],
  ])('sends nothing when the input is wrong: %j', async (args, message) => {
    const { code, stderr } = await startAgainst({}, ...args);

    expect({ code, sent: endpoint.requests.length }).toEqual({ code: 2, sent: 0 });
    expect(stderr).toMatch(message);
  });
});

describe('p2pfk start --wait', () => {
  const history = [
    { type: 'ExecutionStarted' },
    ...task('Plan', { input: {} }, plan(1)),
    {
      type: 'TaskStateEntered',
      stateEnteredEventDetails: { name: 'AddForeignKey', input: JSON.stringify(pairInput(1)) },
    },
    {
      type: 'LambdaFunctionScheduled',
      lambdaFunctionScheduledEventDetails: { resource: 'r', input: JSON.stringify(pairInput(1)) },
    },
    {
      type: 'LambdaFunctionFailed',
      lambdaFunctionFailedEventDetails: { error: 'LockTimeout', cause: cause('LockTimeout', 'pid 7 holds a lock') },
    },
    {
      type: 'LambdaFunctionScheduled',
      lambdaFunctionScheduledEventDetails: { resource: 'r', input: JSON.stringify(pairInput(1)) },
    },
    // An event of a sibling in between: ids run on, previousEventId tells who belongs together.
    { type: 'MapIterationStarted', after: 0 },
    {
      type: 'LambdaFunctionSucceeded',
      after: 9,
      lambdaFunctionSucceededEventDetails: { output: JSON.stringify(pair(1, 1)) },
    },
    ...task('ValidateForeignKey', pairInput(1), pair(1, 1)),
    ...task('VerifyMigration', {}, migrated),
    { type: 'ExecutionSucceeded' },
  ];

  it('shows the progress of migrate and ends with its report', async () => {
    const end = { status: 'SUCCEEDED', output: JSON.stringify(migrated) };

    const { code, stdout, stderr } = await startAgainst({ history, end, step: 12 }, '--wait', '--json');

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'MIGRATED',
      migrationId: 'm-1',
      durationMs: 12_500,
      pairs: [{ referencing: 'path_p_1', referenced: 'inode_p_1', state: 'validated', rows: 1000 }],
      verification: null,
      error: null,
    });
    const lines = stderr.trimEnd().split('\n');
    expect(lines.slice(1, 5)).toEqual([
      'Migrating path → inode: 1 pair, parent-level FK path_medium_hash_ino_fkey',
      '↻ Attempt 2: FK for path_p_1, after LockTimeout: pid 7 holds a lock',
      '[1/1] ✓ Added NOT VALID FK for partition: path_p_1 → inode_p_1',
      'Successfully added 1 partition-level FK constraints',
    ]);
    expect(lines).toContain('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓');
    // Followed in two looks, no event told twice.
    expect(lines.filter((line) => line.startsWith('Migrating'))).toHaveLength(1);
  });

  it('exits 1 when the execution was rolled back', async () => {
    const failed = { error: { Error: 'OrphanedRows', Cause: cause('OrphanedRows', '3 rows of path_p_1 are orphans') } };
    const rolledBack = [
      ...task('Plan', {}, plan(1)),
      ...task('Fence', failed, fence('PRESENT')),
      { type: 'ExecutionFailed' },
    ];
    const end = { status: 'FAILED', error: 'MigrationRolledBack', cause: failed.error.Cause };

    const { code, stdout } = await startAgainst({ history: rolledBack, end }, '--wait');

    expect(code).toBe(1);
    expect(stdout).toContain('✗ OrphanedRows: 3 rows of path_p_1 are orphans');
    expect(stdout).toContain('✗✗✗ MIGRATION ROLLED BACK ✗✗✗');
  });

  it('leaves the execution alone on Ctrl-C, and says so', async () => {
    endpoint = await openEndpoint({ history });
    const { child, finished, says } = start([
      'start',
      '-s',
      STATE_MACHINE,
      '--endpoint-url',
      endpoint.url,
      '-t',
      'path',
      '--wait',
    ]);
    await says('Migrating');

    child.kill('SIGINT');

    const { code, stdout } = await finished;
    expect(code).toBe(130);
    expect(stdout).toContain('Stopped watching. The execution goes on in AWS');
    expect(endpoint.requests.map(({ operation }) => operation)).not.toContain('StopExecution');
  });
});
