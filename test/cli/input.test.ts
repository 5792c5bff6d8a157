import { describe, expect, it } from 'vitest';
import { givenInput, parseInput } from '../../cli/input.ts';
import { wholeNumber } from '../../cli/options.ts';
import { InvalidInput } from '../../core/errors.ts';

describe('the execution input', () => {
  it('holds only what was given', () => {
    expect(givenInput({ table: 'path', maxConcurrency: 8 }, 'migrate')).toEqual({ table: 'path', maxConcurrency: 8 });
    expect(givenInput({ table: 'path' }, 'rollback')).toEqual({ table: 'path', operation: 'rollback' });
  });

  it('gets its defaults from the contract', () => {
    expect(parseInput({ table: 'path' })).toMatchObject({ operation: 'migrate', lockTimeoutMs: 500, approval: 'auto' });
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
    [{ approval: 'x', maxConcurrency: 99 }, '; '],
  ])('%j is refused in one line', (given, message) => {
    const parse = () => parseInput({ table: 'path', ...given });

    expect(parse).toThrow(InvalidInput);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^[^\n]+$/);
  });
});

it.each(['1e3', '0x10', '-1', '5s', '', '1.5', ' 1'])('does not take %j for a whole number', (text) => {
  expect(() => wholeNumber(text)).toThrow('whole number');
});
