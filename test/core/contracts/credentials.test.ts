/** Connection strings in an execution input: refused in each key of it, also in one that comes later. */
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { credentialsIn, HOLDS_CREDENTIALS, isCredential } from '../../../core/contracts/credentials.ts';
import { ExecutionInput, ExecutionInputKeys } from '../../../core/contracts/execution-input.ts';

const CREDENTIALS = [
  'postgres://app:hunter2hunter2@db/orders',
  'postgres://app@db/orders',
  'postgresql://app:p@ss/w?rd@db/orders',
  'POSTGRES://APP:X@DB',
  'see postgres://app:x@db for it',
  'https://user:x@tracker.example.com/CHG-1',
  'host=db password=hunter2hunter2',
  "password = 'two words'",
  'PGPASSWORD=hunter2hunter2',
  'postgres://db/orders?user=app&password=x',
  '{"host": "db", "password": "x"}',
  'sslpassword=x',
];
const OTHERS = [
  'public.path',
  '"Odd name".path',
  'CHG-1234: the password was rotated',
  'ana@example.com',
  'arn:aws:sts::123456789012:assumed-role/dba/ana@example.com',
  'https://tracker.example.com/CHG-1?cc=ana@example.com',
  'postgres://db/orders',
  'SELECT count(*) > 5 FROM pg_stat_activity',
];

/** Keys that take any text. */
const textKeys = Object.entries(ExecutionInputKeys.shape).flatMap(([key, schema]) =>
  z.safeParse(schema, 'x').success ? [key] : [],
);

describe('a text in which there is a user or password of a connection', () => {
  it.each(CREDENTIALS)('%s', (text) => expect(isCredential('reason', text)).toBe(true));
  it.each(OTHERS)('is not %s', (text) => expect(isCredential('reason', text)).toBe(false));

  it('is a name where it is in double quotes, and a value of the partition key in single ones', () => {
    expect(isCredential('table', `public."x password='$(touch pwned)'"`)).toBe(false);
    expect(isCredential('table', 'public."x" password=y')).toBe(true);
    expect(isCredential('bound', "FOR VALUES IN ('https://ana@example.com')")).toBe(false);
    expect(isCredential('reason', '"postgres://app:x@db"')).toBe(true);
  });

  it('is found in a time that grows with the text, and not with its square', () => {
    const took = (length: number) => {
      const began = performance.now();
      for (const part of ['a', 'a:', '://', 'a://b:', 'x@', 'password ', 'a.'])
        isCredential('reason', part.repeat(length));
      return performance.now() - began;
    };
    // The best of several, as this machine has other things to do.
    const best = (length: number) => Math.min(...Array.from({ length: 5 }, () => took(length)));
    // Eight times the text: 64 times as long if it were the square, with room for a busy machine below that.
    expect(best(80_000)).toBeLessThan(Math.max(1, best(10_000)) * 30);
  });
});

describe('an execution input', () => {
  it('has keys that take any text', () =>
    expect(textKeys).toEqual(expect.arrayContaining(['table', 'searchPath', 'ledgerOwner', 'by', 'reason'])));

  it.each(textKeys)('is refused with a connection string as %s, which the message does not repeat', (key) => {
    const parsed = ExecutionInput.safeParse({ table: 'path', [key]: 'postgres://app:hunter2hunter2@db/orders' });
    expect(parsed.error?.issues).toContainEqual(expect.objectContaining({ path: [key], message: HOLDS_CREDENTIALS }));
    expect(String(parsed.error)).not.toContain('hunter2');
  });

  it('is looked through to its depth before it is kept', () =>
    expect(credentialsIn({ table: 'path', more: { list: ['host=db password=x'] }, n: 1, none: null })).toEqual([
      'more',
    ]));
});
