import { describe, expect, it } from 'vitest';
import { executionInputOf, givenInput } from '../../cli/input.ts';
import { wholeNumber } from '../../cli/units.ts';
import { InvalidInput } from '../../core/contracts/errors.ts';

describe('the execution input', () => {
  it('takes every option under the contract’s own name', () => {
    const flags = {
      table: 'path',
      approval: 'manual',
      approvalTimeout: 60,
      rehearse: true,
      terminateIdleBlockers: 300,
      maintenanceWorkMem: 512,
      maxReplicaLag: 1.5,
      maxActiveSessions: 50,
      holdBackQuery: 'SELECT true',
      rowMovementGuard: false,
      keepIndexes: true,
      allowBlockingRollback: true,
    };

    const input = executionInputOf(givenInput(flags, 'migrate'));

    expect(input).toMatchObject({
      approvalTimeoutSeconds: 60,
      rehearse: true,
      terminateIdleBlockersAfterSeconds: 300,
      maintenanceWorkMemMb: 512,
      maxReplicaLagSeconds: 1.5,
      maxActiveSessions: 50,
      holdBackQuery: 'SELECT true',
      rowMovementGuard: false,
      keepIndexes: true,
      allowBlockingRollback: true,
    });
    // Commander gives true where --no-row-movement-guard was not given.
    expect(givenInput({ table: 'path', rowMovementGuard: true }, 'migrate')).toEqual({ table: 'path' });
  });

  it('holds only what was given', () => {
    expect(givenInput({ table: 'path', maxConcurrency: 8 }, 'migrate')).toEqual({ table: 'path', maxConcurrency: 8 });
    expect(givenInput({ table: 'path' }, 'rollback')).toEqual({ table: 'path', operation: 'rollback' });
  });

  it('gets its defaults from the contract', () => {
    expect(executionInputOf({ table: 'path' })).toMatchObject({
      operation: 'migrate',
      lockTimeoutMs: 500,
      approval: 'auto',
    });
  });

  it.each([
    [{ maxConcurrency: 41 }, '--max-concurrency must be a whole number from 1 to 40, not 41'],
    [{ maxConcurrency: 0 }, '--max-concurrency must be a whole number from 1 to 40, not 0'],
    [{ lockTimeoutMs: 60_001 }, '--lock-timeout-ms must be a whole number of milliseconds from 1 to 60000, not 60001'],
    [
      { deadline: 'tomorrow' },
      '--deadline must be an ISO 8601 time with offset, such as 2027-01-31T04:00:00Z, not "tomorrow"',
    ],
    [{ deadline: '2027-01-31T04:00:00' }, 'with offset'],
    [{ approval: 'maybe' }, '--approval must be auto or manual, not "maybe"'],
    [{ table: '' }, '--table must be'],
    [{ constraint: '' }, '--constraint must be'],
    [{ operation: 'undo' }, '--operation must be migrate or rollback, not "undo"'],
    [{ operation: 'rollback', dryRun: true }, '--dry-run has no meaning for a rollback'],
    [{ operation: 'rollback', rehearse: true }, '--rehearse has no meaning for a rollback'],
    [{ operation: 'rollback', rowMovementGuard: false }, '--no-row-movement-guard has no meaning for a rollback'],
    [{ approval: 'manual', approvalTimeoutSeconds: 0.5 }, '--approval-timeout must be whole seconds, 30 days at most'],
    [{ approval: 'manual', approvalTimeoutSeconds: 2_592_001 }, 'such as 30m or 8h, not 2592001'],
    [{ approvalTimeoutSeconds: 60 }, '--approval-timeout has no meaning without --approval manual'],
    [{ dryRun: true, rehearse: true }, '--dry-run changes nothing and --rehearse does all but the drop; choose one'],
    [{ terminateIdleBlockersAfterSeconds: 0 }, '--terminate-idle-blockers must be whole seconds from 1 on'],
    [{ maintenanceWorkMemMb: 65_537 }, '--maintenance-work-mem must be from 1MB to 64GB, such as 512MB, not 65537'],
    [{ maxReplicaLagSeconds: 0 }, '--max-replica-lag must be longer than nothing, such as 2s, not 0'],
    [{ maxActiveSessions: 0 }, '--max-active-sessions must be a whole number from 1 on, not 0'],
    [{ holdBackQuery: '' }, '--hold-back-query must be a query, not ""'],
    [{ approval: 'x', maxConcurrency: 99 }, '; '],
  ])('%j is refused in one line', (given, message) => {
    const parse = () => executionInputOf({ table: 'path', ...given });

    expect(parse).toThrow(InvalidInput);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^[^\n]+$/);
  });
});

it.each(['1e3', '0x10', '-1', '5s', '', '1.5', ' 1'])('does not take %j for a whole number', (text) => {
  expect(() => wholeNumber(text)).toThrow('whole number');
});
