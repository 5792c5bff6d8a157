/** What a fault explains, and what none does. */
import { describe, expect, it } from 'vitest';
import { suspiciousEnding, undoneWithoutReason } from './endings.ts';

const failed = (error: string, cause: string) => ({
  status: 'FAILED',
  error,
  message: JSON.stringify({ errorType: cause, errorMessage: 'why' }),
});
const failure = (error: string) => ({ state: 'ValidateForeignKey', error, message: 'why', at: 0 });

describe('an execution that undid what it had done', () => {
  it('may do so because a person cancelled a statement, where one was cancelled', () => {
    const ending = failed('MigrationRolledBack', 'StatementCanceled');
    expect(suspiciousEnding(ending, ['cancel'])).toBeUndefined();
    expect(suspiciousEnding(ending, ['outage'])).toMatch(/ended FAILED MigrationRolledBack/);
  });

  it.each(['ConnectionLost', 'ServerTrouble', 'States.Timeout', 'MigrationInProgress', 'Runtime.ExitError'])(
    'may not do so because of %s, with any kind of fault',
    (cause) => {
      const all = ['cut', 'outage', 'disk-full', 'function-crash', 'rival', 'kill', 'stop', 'cancel'] as const;
      expect(suspiciousEnding(failed('MigrationRolledBack', cause), all)).toMatch(/ended FAILED/);
    },
  );

  it('is found by its states also where it ended in another way', () => {
    const states = ['Plan', 'ValidateForeignKeys', 'Fence'];
    expect(undoneWithoutReason(states, [failure('ConnectionLost')], ['outage', 'kill'])).toMatch(
      /^I8: .*ConnectionLost/,
    );
    expect(undoneWithoutReason(states, [failure('StatementCanceled')], ['kill'])).toMatch(/^I8/);
    expect(undoneWithoutReason(states, [failure('StatementCanceled')], ['cancel'])).toBeUndefined();
    expect(undoneWithoutReason(['Plan', 'RollbackRequested', 'Fence'], [], [])).toBeUndefined();
    expect(undoneWithoutReason(['Plan', 'Paused'], [failure('ConnectionLost')], ['outage'])).toBeUndefined();
  });
});

it('no fault explains a rollback that failed', () => {
  expect(suspiciousEnding(failed('RollbackFailed', 'ConnectionLost'), ['outage'])).toMatch(/RollbackFailed/);
});
