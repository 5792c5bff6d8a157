/** The definition itself: names, routing, timeouts, retries. What it does when it runs is in routing.test.ts. */
import { getLanguageService, TextDocument } from 'amazon-states-language-service';
import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { LOCK_TRIES } from '../../core/contracts/lock-tries.ts';
import { stepNames } from '../../core/contracts/steps/catalogue.ts';
import { LambdaFunctions } from '../../infra/lambda-functions.ts';
import {
  allStates,
  definition,
  functionNameOf,
  outline,
  type Retrier,
  stateNamed,
  statesOfType,
} from './definition.helpers.ts';

const ROLLBACK_STEPS = ['Fence', 'RestoreParent', 'AttachParent', 'DropPairForeignKeys', 'VerifyRolledBack'];
const FORWARD_STEPS = [
  'BuildIndexes',
  'AddForeignKeys',
  'ValidateForeignKeys',
  'CountOrphans',
  'VerifyGate',
  'DropParentForeignKey',
  'VerifyMigration',
];

const tasks = statesOfType('Task');

describe('the state machine', () => {
  it('reads as agreed', async () => {
    await expect(`${outline()}\n`).toMatchFileSnapshot('state-machine.outline.txt');
  });

  it('has one Task for each function, and no other', () => {
    expect(tasks.map(({ state }) => functionNameOf(state)).sort()).toEqual([...stepNames].sort());
    for (const { name, state } of tasks) {
      const spec = LambdaFunctions[functionNameOf(state) as keyof typeof LambdaFunctions];
      expect({ name, timeout: state.TimeoutSeconds }).toEqual({ name: spec.state, timeout: spec.timeoutSeconds });
    }
  });

  it('has unique state names that fit the visual history', () => {
    const names = allStates().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[A-Z][A-Za-z]+\??$/.test(name))).toEqual([]);
  });

  it('is JSONPath, Standard, and has no timeout that would pass every Catch by', () => {
    expect(definition.QueryLanguage ?? 'JSONPath').toBe('JSONPath');
    expect(definition).not.toHaveProperty('TimeoutSeconds');
    expect(allStates().filter(({ state }) => state.QueryLanguage !== undefined)).toEqual([]);
  });

  it('hands no literal null on, nor JSON as text: no document says what AWS makes of it', () => {
    const text = JSON.stringify(definition.States).replaceAll('"ResultPath":null', '');
    expect(text).not.toMatch(/StringToJson|:null/);
  });

  it.each(allStates())('tells an auditor in one sentence what $name does', ({ state }) => {
    expect(state.Comment).toMatch(/^[A-Z][^.]+\.$/);
  });

  // Pause and the two steps that only write the ledger lock neither table.
  it.each(tasks)('names the lock of $name', ({ state }) => {
    expect(state.Comment).toMatch(
      /\b(AccessShare|RowShare|RowExclusive|ShareUpdateExclusive|ShareRowExclusive|AccessExclusive)Lock\b|neither table|no lock/,
    );
  });
});

/** Seconds from the first failure to the last retry, at least: what jitter takes away does not count. */
function patienceOf(retrier: Retrier | undefined): number {
  const { IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds = Infinity, MaxAttempts = 3 } = retrier ?? {};
  if (retrier === undefined || retrier.JitterStrategy === 'FULL') return 0;
  const delays = Array.from({ length: MaxAttempts }, (_, n) =>
    Math.min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** n),
  );
  return delays.reduce((sum, delay) => sum + delay, 0);
}

/** Documented by Lambda's Invoke and by Step Functions; a function that crashed, or that was not called for weeks. */
const DOCUMENTED = [
  ...['ServiceException', 'AWSLambdaException', 'SdkClientException', 'TooManyRequestsException', 'Unknown'],
  ...['ResourceNotReadyException', 'ResourceConflictException', 'ENINotReadyException', 'ENILimitReachedException'],
  ...['SubnetIPAddressLimitReachedException', 'EC2ThrottledException', 'EC2UnexpectedException'],
].map((name) => `Lambda.${name}`);

describe('Retry', () => {
  it.each(tasks)('of $name waits for a lock with full jitter, and for the infrastructure at least its time', (task) => {
    const [locks, infrastructure, ...others] = task.state.Retry ?? [];
    expect(others).toEqual([]);
    expect(locks).toMatchObject({ ErrorEquals: ['LockTimeout', 'DeadlockDetected'], JitterStrategy: 'FULL' });
    expect(infrastructure?.ErrorEquals).toEqual(
      expect.arrayContaining([
        ...DOCUMENTED,
        'ConnectionLost',
        'ServerTrouble',
        'Runtime.ExitError',
        'Sandbox.Timedout',
      ]),
    );
    expect(infrastructure?.ErrorEquals).toContain('States.Timeout');
    const day = 24 * 3_600;
    const wanted = { Fence: day, VerifyMigration: day, VerifyRolledBack: day, RestoreParentForPair: 30 };
    expect(patienceOf(infrastructure)).toBeGreaterThanOrEqual(wanted[task.name as keyof typeof wanted] ?? 900);
  });

  it('asks for a lock patiently, except where a person waits for the plan', () => {
    const patience = Object.fromEntries(tasks.map(({ name, state }) => [name, state.Retry?.[0]?.MaxAttempts]));
    expect(patience.Plan).toBe(3);
    expect(
      Object.entries(patience).filter(([name, attempts]) => name !== 'Plan' && attempts !== LOCK_TRIES.tries - 1),
    ).toEqual([]);
  });
});

describe('Catch', () => {
  it.each(FORWARD_STEPS)('of %s undoes for a reason of the data, the schema or a person, and else pauses', (name) => {
    const undoes = ['OrphanedRows', 'GateFailed', 'VerificationFailed', 'StatementFailed', 'StatementCanceled'];
    expect(stateNamed(name).Catch).toEqual([
      // A hold that comes after the gate leads back to it.
      ...(name === 'DropParentForeignKey' ? [{ ErrorEquals: ['Held'], ResultPath: null, Next: 'WaitWhileHeld' }] : []),
      {
        ErrorEquals: ['CountOrphans', 'VerifyMigration'].includes(name)
          ? ['MigrationFenced']
          : [...undoes, 'MigrationFenced'],
        ResultPath: '$.error',
        Next: 'Fence',
      },
      { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Pause' },
    ]);
  });

  it.each(ROLLBACK_STEPS)('of %s waits for what passes, and calls for a person for the rest', (name) => {
    const catches = stateNamed(name).Catch ?? [];
    const next = (error: string) =>
      catches.find(({ ErrorEquals }) => ErrorEquals.some((wanted) => wanted === error || wanted === 'States.ALL'))
        ?.Next;
    const waited = name === 'Fence' || name === 'VerifyRolledBack' ? 'RollbackInterrupted' : 'HeldUpBefore?';
    expect(next('MigrationFenced')).toBe('Superseded');
    expect(next('ConnectionLost')).toBe(waited);
    expect(next('Lambda.TooManyRequestsException')).toBe(waited);
    expect(next('LockTimeout')).toBe('HeldUpBefore?');
    expect(next('StatementCanceled')).toBe('HeldUpBefore?');
    expect(next('RollbackFailed')).toBe('RollbackFailed');
    expect(next('OrphanedRows')).toBe('RollbackFailed');
  });

  it('of Plan refuses, and of Pause says so', () => {
    expect(stateNamed('Plan').Catch).toEqual([{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Refused' }]);
    expect(stateNamed('Pause').Catch).toEqual([
      { ErrorEquals: ['MigrationFenced'], ResultPath: '$.superseded', Next: 'Superseded' },
      { ErrorEquals: ['States.ALL'], ResultPath: '$.pauseError', Next: 'PauseFailed' },
    ]);
  });

  it('is on every Task and Map of the top level, and on none inside a Map', () => {
    const catching = allStates().filter(({ state }) => state.Type === 'Task' || state.Type === 'Map');
    const wrong = catching.filter(({ state, map }) => (state.Catch !== undefined) !== (map === null));
    expect(wrong.map(({ name }) => name)).toEqual([]);
    expect(
      catching
        .filter(({ map }) => map === null)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['Plan', 'Pause', ...FORWARD_STEPS, ...ROLLBACK_STEPS].sort());
  });
});

describe('validators', () => {
  it('asl-validator finds nothing', () => {
    const result = validate(structuredClone(definition));
    expect(result.isValid ? '' : result.errorsText('\n')).toBe('');
  });

  it('asl-validator would find a transition that leads nowhere', () => {
    const broken = { ...structuredClone(definition), StartAt: 'Nowhere' };
    expect(validate(broken).isValid).toBe(false);
  });

  it('amazon-states-language-service finds nothing', async () => {
    expect(await diagnose(JSON.stringify(definition, null, 2))).toEqual([]);
  });

  it('amazon-states-language-service would find a transition that leads nowhere', async () => {
    expect(await diagnose(JSON.stringify({ ...definition, StartAt: 'Nowhere' }))).not.toEqual([]);
  });
});

async function diagnose(text: string): Promise<string[]> {
  const service = getLanguageService({});
  const document = TextDocument.create('file:///state-machine.asl.json', 'asl', 1, text);
  const diagnostics = await service.doValidation(document, service.parseJSONDocument(document));
  return diagnostics.map(({ message, range }) => `line ${range.start.line + 1}: ${message}`);
}
