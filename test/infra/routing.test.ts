/**
 * Where the definition leads, run as it is by the engine alone: no adapter, and functions that only answer. So it also
 * shows that any engine can run the built file.
 */
import { StateMachine } from 'aws-local-stepfunctions';
import { describe, expect, it } from 'vitest';
import { forEachStep, type StepName } from '../../core/contracts/steps/catalogue.ts';
import { definition, functionNameOf, statesOfType } from './definition.helpers.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type RunOptions = NonNullable<Parameters<StateMachine['run']>[1]>;
type Answer = (event: Record<string, Json>) => Json;

const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:p2pfk:test';

const pairs = [
  { pair: 1, last: 1, referencing: 'path_p_1' },
  { pair: 2, last: 2, referencing: 'path_p_2' },
];
const done: Answer = ({ pair }) => ({ status: 'DONE', pair: pair ?? 0, waitSeconds: 0 });

const database = { systemIdentifier: '7312', databaseOid: 16384, database: 'copyjob', endpoint: 'db.example.com:5432' };

/** What each function returns when all is well. */
const WELL = {
  ...forEachStep(() => done),
  plan: () => ({ status: 'PLANNED', migrationId: 'm1', database, pairs, maxConcurrency: 2 }),
  'verify-gate': () => ({ status: 'PASSED', pairs: 2, reason: '' }),
  'drop-parent-foreign-key': () => ({ status: 'DROPPED' }),
  'count-orphans': done,
  'verify-migration': () => ({ status: 'MIGRATED', migrationId: 'm1', database, reason: '', checks: [] }),
  fence: () => ({ status: 'FENCED', parentForeignKey: 'PRESENT', pairs: [], maxConcurrency: 2 }),
  'drop-pair-foreign-keys': () => ({ status: 'DROPPED', foreignKeys: 2, indexes: 2 }),
  'verify-rolled-back': () => ({ status: 'ROLLED_BACK', migrationId: 'm1' }),
  pause: () => ({ status: 'PAUSED', migrationId: 'm1', reason: 'window closed' }),
} satisfies Record<StepName, Answer>;

/** Validates the definition when it is made: once is enough. The engine writes defaults into it, so it gets a copy. */
const machine = new StateMachine(
  structuredClone(definition) as unknown as ConstructorParameters<typeof StateMachine>[0],
);

interface Run {
  /** Names of the Tasks in the order of their calls. */
  readonly steps: string[];
  readonly events: Record<string, Json>[];
  readonly output: Json;
  readonly error: { readonly name: string; readonly cause: string } | null;
}

async function execute(answers: Partial<Record<StepName, Answer>> = {}): Promise<Run> {
  const steps: string[] = [];
  const events: Record<string, Json>[] = [];
  const handlers = statesOfType('Task').map(({ name, state }) => [
    name,
    async (event: Record<string, Json>) => {
      steps.push(name);
      events.push(event);
      const lambda = functionNameOf(state) as StepName;
      return (answers[lambda] ?? WELL[lambda])(event);
    },
  ]);
  const noWait = (type: 'Wait' | 'Task') => Object.fromEntries(statesOfType(type).map(({ name }) => [name, 0]));
  const execution = machine.run(
    { table: 'public.path' },
    {
      overrides: {
        taskResourceLocalHandlers: Object.fromEntries(handlers),
        waitTimeOverrides: noWait('Wait'),
        retryIntervalOverrides: noWait('Task'),
      },
      context: { Execution: { Id: EXECUTION } } as unknown as NonNullable<RunOptions['context']>,
    },
  );
  return execution.result.then(
    (output: Json) => ({ steps, events, output, error: null }),
    (error: Error) => ({ steps, events, output: null, error: { name: nameOf(error), cause: error.message } }),
  );
}

/** The engine wraps what a Fail state throws. */
function nameOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.name : error.name;
}

function failing(name: string, message = 'told by the function'): Answer {
  return () => {
    throw Object.assign(new Error(message), { name });
  };
}

/** Answers one after the other, then the last one again. */
function inTurn(...answers: Answer[]): Answer {
  let turn = 0;
  return (event) => (answers[Math.min(turn++, answers.length - 1)] as Answer)(event);
}

const running: Answer = ({ pair }) => ({ status: 'RUNNING', pair: pair ?? 0, waitSeconds: 5 });
const awaitingApproval: Answer = () => ({ status: 'AWAITING_APPROVAL', reason: 'rehearsed', waitSeconds: 2 });
const held: Answer = () => ({ status: 'HELD', reason: 'held by ana', waitSeconds: 5 });
const refusing: Answer = () => ({ status: 'FAILED', migrationId: 'm1', database, reason: 'slow DELETE' });
const dropped: Answer = () => ({ status: 'FENCED', parentForeignKey: 'DROPPED', pairs, maxConcurrency: 2 });
const rollback = ['Fence', 'DropPairForeignKeys', 'VerifyRolledBack'];
const forward = [
  ...['Plan', 'BuildIndex', 'BuildIndex', 'AddForeignKey', 'AddForeignKey'],
  ...['ValidateForeignKey', 'ValidateForeignKey', 'VerifyGate', 'DropParentForeignKey', 'VerifyMigration'],
];

describe('the forward path', () => {
  it('runs every step, each pair with names and numbers only', async () => {
    const { steps, events, output } = await execute();
    expect(steps).toEqual(forward);
    expect(output).toMatchObject({ status: 'MIGRATED', migrationId: 'm1' });
    expect(events[0]).toEqual({ input: { table: 'public.path' }, execution: EXECUTION });
    expect(events[2]).toEqual({ migrationId: 'm1', execution: EXECUTION, database, ...pairs[1] });
    expect(events.at(-1)).toEqual({ migrationId: 'm1', execution: EXECUTION, database, countsPairs: true });
  });

  it.each(['build-index', 'validate-foreign-key'] as const)('asks %s again while the server works', async (name) => {
    const { steps, events, output } = await execute({ [name]: inTurn(running, running, done) });
    expect(steps).toHaveLength(forward.length + 2);
    expect(events.filter((event) => 'result' in event)).toEqual([]);
    expect(output).toMatchObject({ status: 'MIGRATED' });
  });

  const counting = { status: 'COUNTING', reason: '', count: { pairs, maxConcurrency: 2, pairCount: 2 } };
  const countedTwice = (count: Answer = WELL['count-orphans']) => ({
    'verify-gate': inTurn(() => counting, WELL['verify-gate']),
    'verify-migration': inTurn(
      () => ({ ...counting, migrationId: 'm1', database, checks: [] }),
      WELL['verify-migration'],
    ),
    'count-orphans': count,
  });

  it('has pairs counted for the gate and for the checks, and asks each again', async () => {
    const { steps, events, output } = await execute(countedTwice(inTurn(running, done)));
    const once = ['CountPair', 'CountPair'];
    expect(steps.slice(7)).toEqual([
      ...['VerifyGate', 'CountPair', ...once, 'VerifyGate', 'DropParentForeignKey'],
      ...['VerifyMigration', ...once, 'VerifyMigration'],
    ]);
    expect(events[8]).toEqual({ migrationId: 'm1', execution: EXECUTION, database, ...pairs[0] });
    expect(events.at(-1)).toEqual({ migrationId: 'm1', execution: EXECUTION, database, countsPairs: true });
    expect(output).toMatchObject({ status: 'MIGRATED' });
    expect(output).not.toHaveProperty('count');
  });

  it('undoes nothing where a count fails, but where another execution has taken over', async () => {
    for (const error of ['StatementFailed', 'GateFailed', 'OrphanedRows'])
      expect((await execute(countedTwice(failing(error)))).steps.at(-1)).toBe('Pause');
    expect((await execute(countedTwice(failing('MigrationFenced')))).steps).toContain('Fence');
  });

  it('asks the gate again while a person decides, and drops the parent foreign key once it passes', async () => {
    const { steps, output } = await execute({
      'verify-gate': inTurn(awaitingApproval, awaitingApproval, WELL['verify-gate']),
    });
    expect(steps.slice(-5)).toEqual([...Array(3).fill('VerifyGate'), 'DropParentForeignKey', 'VerifyMigration']);
    expect(output).toMatchObject({ status: 'MIGRATED' });
  });

  it.each(['LockTimeout', 'DeadlockDetected', 'ConnectionLost', 'Lambda.Unknown'])(
    'tries again after %s',
    async (name) => {
      const { steps, output } = await execute({ 'add-foreign-key': inTurn(failing(name), done) });
      expect(steps.filter((step) => step === 'AddForeignKey')).toHaveLength(3);
      expect(output).toMatchObject({ status: 'MIGRATED' });
    },
  );

  it.each(['ALREADY_MIGRATED', 'DRY_RUN', 'NOTHING_TO_ROLL_BACK'])(
    'ends after the plan when it says %s',
    async (status) => {
      const { steps, output } = await execute({ plan: () => ({ status, migrationId: null, pairs: [] }) });
      expect(steps).toEqual(['Plan']);
      expect(output).toMatchObject({ status });
    },
  );

  it('ends as refused, with the name of the error, when no plan can be made', async () => {
    const { steps, error } = await execute({ plan: failing('PreflightFailed', 'too old') });
    expect(steps).toEqual(['Plan']);
    expect(error).toEqual({ name: 'PreflightFailed', cause: expect.stringContaining('too old') });
  });
});

describe('the rollback branch', () => {
  it.each([
    'build-index',
    'add-foreign-key',
    'validate-foreign-key',
    'verify-gate',
    'drop-parent-foreign-key',
  ] as const)('is entered when %s fails, with the error', async (name) => {
    const { steps, events, error } = await execute({ [name]: failing('OrphanedRows', '37 rows') });
    expect(steps.filter((step) => rollback.includes(step))).toEqual(rollback);
    expect(events[steps.indexOf('Fence')]).toEqual({
      migrationId: 'm1',
      execution: EXECUTION,
      database,
      error: { Error: 'OrphanedRows', Cause: '37 rows' },
    });
    expect(error).toEqual({ name: 'MigrationRolledBack', cause: expect.stringContaining('37 rows') });
  });

  it('restores the parent foreign key first where it was dropped, asking again while the server works', async () => {
    const { steps, error } = await execute({
      'verify-migration': refusing,
      fence: dropped,
      'restore-parent': inTurn(running, done),
      'attach-parent': inTurn(() => ({ status: 'RUNNING', waitSeconds: 1 }), WELL['attach-parent']),
    });
    expect(steps.slice(forward.length)).toEqual([
      'Fence',
      ...Array(3).fill('RestoreParentForPair'),
      ...['AttachParent', 'AttachParent', 'DropPairForeignKeys', 'VerifyRolledBack'],
    ]);
    expect(error?.name).toBe('MigrationRolledBack');
  });

  it('restores without per-pair work where the strategy needs none', async () => {
    const { steps } = await execute({
      'verify-migration': refusing,
      fence: () => ({ status: 'FENCED', parentForeignKey: 'DROPPED', pairs: [], maxConcurrency: 2 }),
    });
    expect(steps).not.toContain('RestoreParentForPair');
    expect(steps).toContain('AttachParent');
  });

  it.each([
    ['verify-gate', 'GateFailed', { status: 'FAILED', reason: 'one pair has no foreign key' }],
    ['verify-migration', 'VerificationFailed', { status: 'FAILED', migrationId: 'm1', database, reason: 'orphans' }],
  ] as const)('is entered when %s says no, which is %s', async (name, error, answer) => {
    const run = await execute({ [name]: () => answer });
    expect(run.events[run.steps.indexOf('Fence')]).toMatchObject({ error: { Error: error, Cause: answer.reason } });
    expect(run.error).toEqual({ name: 'MigrationRolledBack', cause: expect.stringContaining(answer.reason) });
  });

  it('ends in success when a person asked, and there is no error to report', async () => {
    const { steps, events, output } = await execute({
      plan: () => ({ status: 'ROLLBACK_REQUESTED', migrationId: 'm1', database, pairs, maxConcurrency: 2 }),
    });
    expect(steps).toEqual(['Plan', ...rollback]);
    expect(events[1]).toEqual({
      migrationId: 'm1',
      execution: EXECUTION,
      database,
      error: { Error: 'RollbackRequested' },
    });
    expect(output).toEqual({ status: 'ROLLED_BACK', migrationId: 'm1' });
  });

  it('tells the name of an error that has no cause', async () => {
    const { error } = await execute({ 'build-index': failing('StatementCanceled', '') });
    expect(error).toEqual({ name: 'MigrationRolledBack', cause: expect.stringContaining('StatementCanceled') });
  });

  it.each(['fence', 'restore-parent', 'attach-parent', 'drop-pair-foreign-keys', 'verify-rolled-back'] as const)(
    'calls for a person when %s fails',
    async (name) => {
      const { error } = await execute({
        'verify-migration': refusing,
        fence: dropped,
        [name]: failing('OrphanedRows', '3 rows'),
      });
      expect(error).toEqual({ name: 'RollbackFailed', cause: expect.stringContaining('3 rows') });
    },
  );
});

describe('the rollback branch, held up', () => {
  it.each([
    ['restore-parent', 'ConnectionLost'],
    ['attach-parent', 'Runtime.ExitError'],
    ['drop-pair-foreign-keys', 'LockTimeout'],
    ['fence', 'LockTimeout'],
    ['verify-rolled-back', 'StatementCanceled'],
  ] as const)('where %s ends with %s begins again at the fence, and ends as it would have', async (name, error) => {
    const { state } = statesOfType('Task').find((task) => functionNameOf(task.state) === name) ?? {};
    const tries = 1 + (state?.Retry?.find(({ ErrorEquals }) => ErrorEquals.includes(error))?.MaxAttempts ?? 0);
    const answers = { 'verify-migration': refusing, fence: dropped };
    const well = (name in answers ? dropped : WELL[name]) as Answer;
    const run = await execute({ ...answers, [name]: inTurn(...Array(2 * tries).fill(failing(error)), well) });
    expect(run.error?.name).toBe('MigrationRolledBack');
    expect(run.steps.filter((step) => step === 'Fence').length).toBeGreaterThanOrEqual(2);
  });

  it('for a day ends as interrupted, for reconciliation to go on', async () => {
    const { error, steps } = await execute({
      'verify-migration': refusing,
      fence: dropped,
      'attach-parent': failing('StatementCanceled', 'by another session'),
    });
    expect(error).toEqual({ name: 'RollbackInterrupted', cause: expect.stringContaining('by another session') });
    expect(steps.filter((step) => step === 'Fence')).toHaveLength(54);
  });
});

describe('the pause', () => {
  it.each([
    ['build-index', 'ConnectionLost'],
    ['add-foreign-key', 'Runtime.ExitError'],
    ['validate-foreign-key', 'ServerTrouble'],
    ['verify-gate', 'Lambda.ENINotReadyException'],
    ['drop-parent-foreign-key', 'States.Timeout'],
    ['build-index', 'PrivilegeMissing'],
    ['validate-foreign-key', 'ANameThatIsNotKnownHere'],
    ['verify-migration', 'StatementFailed'],
    ['verify-migration', 'Lambda.Unknown'],
  ] as const)('keeps everything when %s fails with %s, which says nothing about the data', async (name, error) => {
    const { steps, output } = await execute({ [name]: failing(error) });
    expect(steps.at(-1)).toBe('Pause');
    expect(steps).not.toContain('Fence');
    expect(output).toMatchObject({ status: 'PAUSED' });
  });

  it('after the drop ends as one, where the checks are still to be run', async () => {
    const { output } = await execute({
      'verify-migration': failing('ConnectionLost'),
      pause: () => ({ status: 'CHECKS_PENDING', migrationId: 'm1', reason: 'the parent foreign key is gone' }),
    });
    expect(output).toMatchObject({ status: 'CHECKS_PENDING' });
  });

  it.each([
    ['build-index', 'WindowClosed'],
    ['validate-foreign-key', 'WindowClosed'],
    ['drop-parent-foreign-key', 'WindowClosed'],
    ['add-foreign-key', 'PartitionSetChanged'],
    ['verify-gate', 'PartitionSetChanged'],
    ['drop-parent-foreign-key', 'PartitionSetChanged'],
  ] as const)('keeps everything when %s ends with %s', async (name, error) => {
    const { steps, output } = await execute({ [name]: failing(error) });
    expect(steps.at(-1)).toBe('Pause');
    expect(steps).not.toContain('Fence');
    expect(output).toMatchObject({ status: 'PAUSED' });
  });

  it('waits in a Wait state while a person holds the execution before the drop, and goes on', async () => {
    const well = await execute();
    const { steps, output } = await execute({ 'verify-gate': inTurn(held, held, WELL['verify-gate']) });
    expect(steps.filter((name) => name === 'VerifyGate')).toHaveLength(3);
    expect(steps.slice(-2)).toEqual(['DropParentForeignKey', 'VerifyMigration']);
    expect(output).toEqual(well.output);
    expect(definition.States.WaitWhileHeld).toMatchObject({
      Type: 'Wait',
      SecondsPath: '$.gate.waitSeconds',
      Next: 'VerifyGate',
    });
  });

  it('asks the gate again where the hold comes after it, and keeps everything where it has lasted for a day', async () => {
    const heldNow: Answer = () => {
      throw Object.assign(new Error('held by ana'), { name: 'Held' });
    };
    const gate = inTurn(WELL['verify-gate'], held, WELL['verify-gate']);
    const { steps, output } = await execute({
      'verify-gate': gate,
      'drop-parent-foreign-key': inTurn(heldNow, WELL['drop-parent-foreign-key']),
    });
    expect(steps.slice(-6)).toEqual([
      ...['VerifyGate', 'DropParentForeignKey', 'VerifyGate', 'VerifyGate', 'DropParentForeignKey', 'VerifyMigration'],
    ]);
    expect(output).toMatchObject({ status: 'MIGRATED' });

    for (const name of ['build-index', 'add-foreign-key', 'validate-foreign-key', 'verify-gate'] as const) {
      const paused = await execute({ [name]: heldNow });
      expect(paused.steps.at(-1)).toBe('Pause');
      expect(paused.output).toMatchObject({ status: 'PAUSED' });
    }
  });

  it.each([
    ['REHEARSED', 'Rehearsed', 'it was a rehearsal'],
    ['APPROVAL_TIMED_OUT', 'ApprovalNeeded', 'no approval came in time'],
  ])('comes before the parent foreign key goes when the gate says %s', async (status, error, reason) => {
    const { steps, events, output } = await execute({
      'verify-gate': inTurn(awaitingApproval, () => ({ status, reason, waitSeconds: 0 })),
    });
    expect(steps.slice(-3)).toEqual(['VerifyGate', 'VerifyGate', 'Pause']);
    expect(events.at(-1)).toMatchObject({ error: { Error: error, Cause: reason } });
    expect(output).toMatchObject({ status: 'PAUSED' });
  });

  it.each([
    ['build-index', 'LockTimeout'],
    ['add-foreign-key', 'LockTimeout'],
    ['verify-gate', 'LockTimeout'],
    ['drop-parent-foreign-key', 'DeadlockDetected'],
  ] as const)('keeps everything when %s was refused its lock in every try', async (name, error) => {
    const { steps, events, output } = await execute({ [name]: failing(error, 'held by pid 4711') });
    expect(steps.length).toBeGreaterThan(40);
    expect(steps.at(-1)).toBe('Pause');
    expect(steps).not.toContain('Fence');
    expect(events.at(-1)).toMatchObject({ error: { Error: error, Cause: 'held by pid 4711' } });
    expect(output).toMatchObject({ status: 'PAUSED' });
  });

  it('says so when it cannot be recorded', async () => {
    const { error } = await execute({
      'verify-gate': failing('WindowClosed'),
      pause: failing('StatementFailed', 'full'),
    });
    expect(error).toEqual({ name: 'PauseFailed', cause: expect.stringContaining('full') });
  });
});

describe('an execution whose migration another one has taken over', () => {
  it('ends as superseded where a forward step is told so, and undoes nothing', async () => {
    const taken = failing('MigrationFenced', 'now owned by another');
    const { steps, error } = await execute({ 'validate-foreign-key': taken, fence: taken });
    expect(steps.at(-1)).toBe('Fence');
    expect(error).toEqual({ name: 'Superseded', cause: expect.stringContaining('now owned by another') });
  });

  it.each(['restore-parent', 'attach-parent', 'drop-pair-foreign-keys', 'verify-rolled-back'] as const)(
    'ends as superseded where %s is told so',
    async (name) => {
      const { steps, error } = await execute({
        'verify-migration': refusing,
        fence: dropped,
        [name]: failing('MigrationFenced', 'is not being rolled back by this one'),
      });
      const last = statesOfType('Task').find(({ state }) => functionNameOf(state) === name)?.name;
      expect(steps.at(-1)).toBe(last);
      expect(error).toEqual({ name: 'Superseded', cause: expect.stringContaining('not being rolled back by this') });
    },
  );

  it('ends as superseded where it was about to pause', async () => {
    const { error } = await execute({
      'verify-gate': failing('WindowClosed'),
      pause: failing('MigrationFenced', 'now owned by another'),
    });
    expect(error).toEqual({ name: 'Superseded', cause: expect.stringContaining('now owned by another') });
  });
});
