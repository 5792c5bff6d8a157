/** Secrets in texts of others are taken out where those come in; our own lines, commands and SQL among them, never change. */
import { execFileSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { DatabaseError } from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeFailure } from '../../../cli/failures.ts';
import { createOutput } from '../../../cli/output.ts';
import { InvalidInput } from '../../../core/contracts/errors.ts';
import { keepSecret, redact, WITHHELD, withheld } from '../../../core/contracts/redact.ts';
import { shellWord, visible, visibleJson, visibleLines, visibleSql } from '../../../core/contracts/safe-text.ts';
import { describeTarget } from '../../../core/ledger/connect.ts';
import { asKeywords } from '../../../core/postgres/libpq/connection-string.ts';
import { withoutSecrets } from '../../../core/postgres/locks/describe-holders.ts';
import { messageOf, toNamedError } from '../../../core/postgres/postgres-errors.ts';
import { executionName } from '../../../local/executions.ts';

afterEach(() => vi.unstubAllEnvs());

describe('secrets', () => {
  it.each([
    ['postgres://app:s3cr:et@db/x?sslmode=require', 's3cr:et'],
    ['postgres://app:p@ss/w@rd@db/x', 'p@ss/w@rd'],
    ['cannot connect to localhost:5432/app:s3cret@db:1/x', 's3cret'],
    ['host=db password=hunter2 user=app', 'hunter2'],
    ["password='two words'", 'two words'],
    ["host=db password=''password=\t hunter2", 'hunter2'],
    ["host=db password=''password = 'hunter2 x'", 'hunter2'],
    ["sslpassword='a'password ='hunter2", 'hunter2'],
    ['x-amz-security-token:FwoGZXIvYXdzEJr', 'FwoGZXIvYXdzEJr'],
    ['AWS_SECRET_ACCESS_KEY secret: abcdef', 'abcdef'],
    ['key AKIAIOSFODNN7EXAMPLE is unknown', 'IOSFODNN7EXAMPLE'],
  ])('in %j are not shown', (text, secret) => {
    expect(redact(text)).not.toContain(secret);
    expect(redact(text)).toContain('***');
  });

  it.each([
    'a',
    'a:',
    ':@',
    'a:@',
    'x://y',
    'x://y:',
    'x://y:1 ',
    '@',
    'password ',
    "password='",
    '?password=',
    '-',
    '\\',
  ])('are looked for once in a long text of %j, which a name in the database can be', (part) => {
    expect(redact(`${part.repeat(500_000)}!`).length).toBeGreaterThan(0);
  });

  it('leave ordinary sentences alone', () => {
    for (const sentence of [
      'password authentication failed for user "app" at postgres://db:5432/x',
      'expected postgres://user:password@host:port/database',
      "CHECK (note::jsonb@>'{}'::jsonb) since 2026-11-23T02:46:27.285Z",
    ]) {
      expect(redact(sentence)).toBe(sentence);
    }
  });
});

/** What is found in texts that are taken for a secret, and what ends a word of a shell or of SQL. */
const PIECE = fc.constantFrom(
  ...'\'"`$\\;|&<>(){}*?!#~ =:@/,%-'.split(''),
  ...['password=', 'secret: ', 'token=', 'pwd="', "passwd='", 'x:y@', 'postgres://u:p@h/d', 'AKIAIOSFODNN7EXAMPLE'],
  ...['$(touch pwned)', '`id`', '--', 'path', 'p; ALTER ROLE leafer SUPERUSER', 'é', '日本'],
);
const NAME = fc.array(PIECE, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));

/** As PostgreSQL's quote_ident does it. */
function quoteIdent(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Each way on which a line of ours gets to a person. */
function printed(text: string): string[] {
  const chunks: string[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const output = createOutput({}, { stdout: stream, stderr: stream });
  output.line(text);
  output.complain(text);
  const [failure = ''] = describeFailure(new InvalidInput(text));
  return [...chunks.map((chunk) => chunk.replace(/\n$/, '')), output.decorate(text), failure.replace(/^p2pfk: /, '')];
}

describe('a line of ours', () => {
  it('has each command and statement as it was composed, with any name of a table', () => {
    const lines: { readonly name: string; readonly word: string }[] = [];
    fc.assert(
      fc.property(NAME, NAME, (one, other) => {
        const word = shellWord(`public.${quoteIdent(one)}`);
        const command = `✗ refused: p2pfk audit --table ${word} --fix --run makes an entry`;
        const sql = `ALTER TABLE public.${quoteIdent(one)} OWNER TO app; ALTER TABLE public.${quoteIdent(other)} OWNER TO app`;
        expect(printed(command)).toEqual(Array(4).fill(command));
        expect(printed(sql)).toEqual(Array(4).fill(sql));
        lines.push({ name: `public.${quoteIdent(one)}`, word });
      }),
      { numRuns: 300 },
    );

    const sample = [...lines.slice(0, 60), { name: HOSTILE, word: shellWord(HOSTILE) }];
    const words = sample.map(({ word }) =>
      printed(`p2pfk audit --table ${word}`)[0]?.slice('p2pfk audit --table '.length),
    );
    const read = execFileSync('sh', ['-c', `printf '%s\\0' ${words.join(' ')}`], { encoding: 'utf8' });
    expect(read.split('\0').slice(0, -1)).toEqual(sample.map(({ name }) => name));
  });

  it('is not shown where a secret of this process has got into it, and never with a part replaced', () => {
    keepSecret('Tr0ub4dor');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', "wJalr'XUtnFEMI/K7MDENG");
    for (const line of [
      'p2pfk audit --table \'public."xTr0ub4dory"\'',
      "p2pfk plan --table 'wJalr'XUtnFEMI/K7MDENG'",
    ]) {
      expect(printed(line)).toEqual([WITHHELD, WITHHELD, WITHHELD, WITHHELD]);
    }
    expect(withheld('another line')).toBe('another line');
    expect(redact("dblink: Tr0ub4dor is wrong, wJalr'XUtnFEMI%2FK7MDENG too")).toBe('dblink: *** is wrong, *** too');
  });

  /** What our output makes of a text: quotings and encodings, any of them inside another. */
  const WAYS: readonly ((text: string) => string)[] = [
    (text) => text,
    encodeURIComponent,
    (text) => new URL(`postgres://u:${encodeURIComponent(text)}@h/d`).href,
    (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    (text) => JSON.stringify({ text }),
    (text) => visibleJson(text),
    (text) => `'${text.replaceAll("'", "''")}'`,
    (text) => asKeywords([['password', text]]),
    (text) => visibleSql(`SELECT '${text.replaceAll("'", "''")}'`),
    shellWord,
    visible,
    (text) => visibleLines(text).replaceAll('\n', ' '),
  ];

  it.each([
    "12#it's-secret9",
    '12?it"s-secret9',
    'back\\slash-n\\new9',
    'line\nbreak\tand\x1b9',
    'blank s in it 99',
    'é日本-p%41ss%word',
    '$(`touch x`)\u202e9',
    'tag\u{e0041}secret99',
  ])('is not shown with the secret %j in any quoting, nor in a quoting of that', (secret) => {
    keepSecret(secret);
    for (const inner of WAYS)
      for (const outer of WAYS) {
        const line = `p2pfk plan -d ${outer(inner(secret))} --sql`;
        expect(withheld(line), line).toBe(WITHHELD);
      }
  });

  it('is not shown in any quoting with a secret of which a quoting leaves little', () => {
    const secret = `'"'"'"'9`;
    keepSecret(secret);
    for (const way of WAYS) expect(withheld(`p2pfk plan -d ${way(secret)}`), way(secret)).toBe(WITHHELD);
  });

  it('is looked through in a time that grows with the text, and not with its square', () => {
    keepSecret("c0rrect-h0rse it's");
    for (const part of ['\\', '%', '%25', "'", '\\u', '\\x4', '\\0', ' ', 'c0rrect-h0rse'])
      expect(withheld(part.repeat(300_000))).toHaveLength(300_000 * part.length);
  });

  it('is shown where it has a password that is short, or a plain word, which any name may hold', () => {
    for (const weak of ['path', 'postgres', 'mediaapp', '123456789012']) {
      keepSecret(weak);
      expect(printed(`p2pfk plan --table ${weak}.x`)[0]).toBe(`p2pfk plan --table ${weak}.x`);
    }
  });
});

const HOSTILE = `public."x password='$(touch pwned)'"`;

describe('a text of others has no secret any more when it gets to a sentence of ours', () => {
  const LEAK = 'could not connect: host=db password=hunter2 postgres://u:hunter2@h/d';

  it('from PostgreSQL: message, detail, hint and context', () => {
    const raised = Object.assign(new DatabaseError(LEAK, LEAK.length, 'error'), {
      code: 'P0001',
      detail: LEAK,
      hint: LEAK,
      where: LEAK,
    });
    const states = ['P0001', '08001', '28P01', '42501', '25006', '2200H', '53100', '57014'];
    const named = states.map((code) => toNamedError(Object.assign(raised, { code }), 'SELECT 1'));
    expect(JSON.stringify(named.map(({ message, context }) => ({ message, context })))).not.toContain('hunter2');
    expect(messageOf(raised)).not.toContain('hunter2');
  });

  it('from Node.js, an SDK, or an error that was not expected', () => {
    vi.stubEnv('P2PFK_DEBUG', '1');
    for (const error of [new Error(LEAK), new AggregateError([new Error(LEAK)]), LEAK]) {
      expect(toNamedError(error).message).not.toContain('hunter2');
      expect(describeFailure(error).join('\n')).not.toContain('hunter2');
      expect(describeFailure(toNamedError(error)).join('\n')).not.toContain('hunter2');
    }
  });

  it('from the settings of a connection, and from other sessions', () => {
    expect(describeTarget("host=127.0.0.1 dbname='app:hunter2@db:1/x'")).not.toContain('hunter2');
    const holder = { application: LEAK, query: LEAK };
    expect(JSON.stringify(withoutSecrets(holder))).not.toContain('hunter2');
  });
});

it('the name of an execution has no password, which its own spelling would hide', () => {
  vi.stubEnv('PGPASSWORD', 'Zq7-secretPW.99');

  expect(executionName({ table: '"Zq7-secretPW.99"' })).toMatch(/^migrate-table-\d/);
  expect(executionName({ table: 'public.path' })).toMatch(/^migrate-public-path-\d/);
});
