/** Connection strings in an execution input: refused in each key of it, also in one that comes later. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  credentialsIn,
  HOLDS_CREDENTIALS,
  isCredential,
  withoutCredentials,
} from '../../../core/contracts/credentials.ts';
import { ExecutionInput, ExecutionInputKeys } from '../../../core/contracts/execution-input.ts';
import { hasKeyTwice } from '../../../core/contracts/json-keys.ts';
import { problemOf } from '../../../core/contracts/problems.ts';
import { echoed, redact } from '../../../core/contracts/redact.ts';
import { asKeywords, parseConnectionString } from '../../../core/postgres/libpq/connection-string.ts';
import { CREDENTIALS, OTHERS } from './credentials.helpers.ts';

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
      for (const part of ['a', 'a:', '://', 'a://b:', 'a://b ', 'a:// ', 'x@', 'password ', 'a.', '%3A', '%'])
        isCredential('reason', part.repeat(length));
      return performance.now() - began;
    };
    // Eight times the text: 64 times as long if it were the square. The best of several, as this machine has other things to do.
    const ratios = Array.from({ length: 10 }, () => took(80_000) / took(10_000));
    expect(Math.min(...ratios)).toBeLessThan(30);
  });
});

describe('a connection string', () => {
  const piece = fc.constantFrom(
    ...[
      's3cr3tpw',
      'user',
      'db',
      'password=',
      'password ',
      'pass%77ord=',
      'sslpassword=',
      'postgres://',
      'postgresql://',
      '%40',
      '%3a',
      '12',
      'é',
    ],
    ...'@@@:::///??#&==,;. \n\t\\\'"[]'.split(''),
  );
  const drawn = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''));
  const written = (secret: fc.Arbitrary<string>) =>
    fc.oneof(
      drawn,
      drawn.map((rest) => `postgres://${rest}`),
      fc.tuple(secret, drawn).map(([one, rest]) => `postgres://app:${one}@db/${rest}`),
      secret.map((one) => `postgres://app:${one}@db`),
      secret.map((one) => `host=db password=${one}`),
      secret.map((one) => asKeywords(Object.entries({ host: 'db', password: one }))),
    );
  /** What the connection would take for secret; undefined where it cannot be read. */
  function secretsOf(text: string): { readonly password: string; readonly user: string } | undefined {
    try {
      const settings = parseConnectionString(text);
      const isUri = /^postgres(ql)?:/.test(text);
      return {
        password: settings.get('password') || settings.get('sslpassword') || '',
        user: isUri && !/[?&]user=/.test(text) ? (settings.get('user') ?? '') : '',
      };
    } catch {
      return undefined;
    }
  }

  it('is recognised wherever the parser of the connection finds a user or a password in it, also in a sentence', () => {
    let found = 0;
    fc.assert(
      fc.property(written(drawn), (text) => {
        const { password, user } = secretsOf(text) ?? { password: '', user: '' };
        if (password === '' && user === '') return;
        found += 1;
        for (const sentence of [text, `use ${text}`, `use "${text}" for it`, `${text}, says ana`])
          expect(isCredential('reason', sentence), sentence).toBe(true);
      }),
      { numRuns: 3_000 },
    );
    expect(found).toBeGreaterThan(1_000);
  });

  it('is quoted in no message with the password that the connection would take, and nothing of it is echoed', () => {
    const marked = fc.tuple(drawn, drawn).map(([one, other]) => `${one}s3cr3tpw${other}`);
    let found = 0;
    fc.assert(
      fc.property(written(marked), (text) => {
        const { password } = secretsOf(text) ?? { password: '' };
        if (!password.includes('s3cr3tpw') || password.split('s3cr3tpw').length !== text.split('s3cr3tpw').length)
          return;
        found += 1;
        expect(echoed({ given: [text] })).not.toContain('s3cr3tpw');
        for (const sentence of [text, `option '--port <n>' argument '${text}' is invalid. It must be a whole number.`])
          expect(redact(sentence), sentence).not.toContain('s3cr3tpw');
      }),
      { numRuns: 3_000 },
    );
    expect(found).toBeGreaterThan(500);
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

  it('is refused with a connection string as a key, which the message does not repeat', () => {
    for (const key of CREDENTIALS) {
      const { error } = ExecutionInput.safeParse({ table: 'path', [key]: true, planHsh: 'x' });
      expect(error?.issues.map((issue) => problemOf(issue))).toEqual([
        'unknown keys: one that holds a connection string, "planHsh"',
      ]);
    }
  });

  it('is looked through to its depth before it is kept, keys as well as values', () => {
    const input = {
      table: 'path',
      more: { list: ['host=db password=x'] },
      keys: [{ 'postgres://a:b@c': 1 }],
      n: 1,
      none: null,
    };
    expect(credentialsIn(input)).toEqual(['more', 'keys']);
    expect(credentialsIn({ 'password=x': 1 })).toEqual(['a key']);
    expect(withoutCredentials({ ...input, 'password=x': 1, table: '"password=x"' })).toEqual({
      table: '"password=x"',
      more: { list: ['***'] },
      keys: [{ '***': 1 }],
      n: 1,
      none: null,
      '***': 1,
    });
  });

  it('has no key twice, whose first value would be kept and not looked at', () => {
    for (const json of [
      '{"a":1,"a":2}',
      '{"b":[{"a":1,"c":{},"\\u0061":2}]}',
      '{"a":{},"":0,"":1}',
      '[{"\\"":1,"\\"":2}]',
    ])
      expect(hasKeyTwice(json), json).toBe(true);
    for (const json of [
      '{}',
      '"a:a:"',
      '{"a":{"a":{"a":"a"}},"b":[{"a":1},{"a":1}]}',
      '{"a":"\\"a\\":1,","A":":"}',
      ' 1 ',
    ])
      expect(hasKeyTwice(json), json).toBe(false);
    fc.assert(fc.property(fc.json(), (json) => !hasKeyTwice(JSON.stringify(JSON.parse(json)))));
  });
});
