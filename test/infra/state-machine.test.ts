/** The definition itself: names, routing, timeouts, retries. What it does when it runs is in routing.test.ts. */
import { getLanguageService, TextDocument } from 'amazon-states-language-service';
import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { LOCK_TRIES } from '../../core/lock-tries.ts';
import { LambdaFunctions, lambdaNames } from '../../infra/lambda-functions.ts';
import { allStates, definition, functionNameOf, outline, stateNamed, statesOfType } from './definition.helpers.ts';

const ROLLBACK_STEPS = ['Fence', 'RestoreParent', 'AttachParent', 'DropPairForeignKeys', 'VerifyRolledBack'];
const FORWARD_STEPS = [
  'BuildIndexes',
  'AddForeignKeys',
  'ValidateForeignKeys',
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
    expect(tasks.map(({ state }) => functionNameOf(state)).sort()).toEqual([...lambdaNames].sort());
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

describe('Retry', () => {
  it.each(tasks)('of $name waits with full jitter and a maximum delay, and never forever', ({ state }) => {
    expect(state.Retry).toHaveLength(3);
    for (const retrier of state.Retry ?? []) {
      expect(retrier).toMatchObject({
        JitterStrategy: 'FULL',
        MaxDelaySeconds: expect.any(Number),
        MaxAttempts: expect.any(Number),
      });
    }
    const retried = (state.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
    expect(retried).toEqual(
      expect.arrayContaining(['LockTimeout', 'DeadlockDetected', 'ConnectionLost', 'States.Timeout']),
    );
    expect(retried).not.toContain('States.ALL');
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
  it.each(FORWARD_STEPS)('of %s pauses where nothing has to be undone, and fences on any other error', (name) => {
    expect(stateNamed(name).Catch).toEqual([
      {
        ErrorEquals: [
          'WindowClosed',
          'LockTimeout',
          'DeadlockDetected',
          'PartitionSetChanged',
          'ApprovalNeeded',
          'LedgerNotWritten',
          'LedgerElsewhere',
          'LedgerNotTrusted',
          'LedgerVersionRefused',
        ],
        ResultPath: '$.error',
        Next: 'Pause',
      },
      { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Fence' },
    ]);
  });

  it.each(ROLLBACK_STEPS)('of %s stops where another execution has taken over, and else calls for a person', (name) => {
    expect(stateNamed(name).Catch).toEqual([
      { ErrorEquals: ['MigrationFenced'], ResultPath: '$.superseded', Next: 'Superseded' },
      { ErrorEquals: ['States.ALL'], ResultPath: '$.rollbackError', Next: 'RollbackFailed' },
    ]);
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
    const result = validate(definition);
    expect(result.isValid ? '' : result.errorsText('\n')).toBe('');
  });

  it('asl-validator would find a transition that leads nowhere', () => {
    const broken = { ...definition, StartAt: 'Nowhere' };
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
