/** Connection strings, read as psql reads them. */
import fc from 'fast-check';
import { expect, inject, it, onTestFinished } from 'vitest';
import { describeTarget } from '../../../core/ledger/connect.ts';
import { asKeywords, parseConnectionString, withoutPassword } from '../../../core/postgres/libpq/connection-string.ts';
import { createDatabase } from '../../support/database.ts';
import { type Case, PASSWORD, sameForAll } from './libpq.helpers.ts';

it('connection strings are read as psql reads them', async () => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  const admin = await db.client();
  const role = `strings_${db.name}`;
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD.replaceAll("'", "''")}'`);
  onTestFinished(() => admin.query(`DROP ROLE ${role}`).then(() => undefined));
  const { port } = new URL(inject('serverUrl'));
  const here = `host=localhost port=${port}`;
  const encoded = encodeURIComponent(PASSWORD);
  const quoted = PASSWORD.replace(/['\\]/g, '\\$&');
  const at = `localhost:${port}`;
  const connections = [
    `${here} user=${role} dbname=postgres password='${quoted}'`,
    `  user = ${role}  ${here} dbname = 'postgres'  password=${quoted.replace(' ', '\\ ')} `,
    `postgresql://${role}:${encoded}@${at}/postgres`,
    `postgres://${at}/postgres?user=${role}&password=${encoded}&application_name=mine`,
    `postgres://${role}:${encoded}@${at}/postgres?ssl=true`,
    `postgres://${role}:${encoded}@${at}/postgres?host=localhost`,
    `postgres://${role}:${encoded}@${at}/postgres?ssl=yes`,
    `postgres://${role}:${encoded}@${at}/postgres?schema=public`,
    `postgres://${role}:${encoded}@${at}/postgres?sslmode=no-verify`,
    `postgres://${role}:${encoded}@${at}/%70ostgres`,
    `postgres://${role}:${encoded}@${at}/postgres%`,
    `postgres://${role}:${encoded}@[::1/postgres`,
    `postgres://${role}:${encoded}@${at}/postgres?sslmode`,
    `postgres://${role}:${encoded}@${at}/postgres?sslmode=a=b`,
    `postgres://${role}:${encoded}@localhost:0/postgres`,
    `${here} user=${role} dbname=postgres password='${quoted}`,
    `${here} user=${role} dbname=postgres nonsense=1`,
    `${here} user=${role} dbname=postgres password`,
    `${here},1 user=${role} dbname=postgres password='${quoted}'`,
    `${here} user=${role} dbname=postgres password='${quoted}' connect_timeout=soon`,
    `${here} user=${role} dbname=postgres password='${quoted}' connect_timeout=2`,
    `${here} user=${role} dbname=postgres password='${quoted}' target_session_attrs=master`,
    `${here} user=${role} dbname=postgres password='${quoted}' sslmode=VERIFY-FULL`,
    `${here} user=${role} dbname=nowhere password='${quoted}'`,
  ];
  for (const { message } of await sameForAll(connections.map((connection): Case => [connection]))) {
    expect(message).not.toContain(encoded);
  }
});

/** What is printed of a connection string: where it leads, and the command that repeats it; or why it cannot be read. */
function printedOf(connection: string): string {
  try {
    return `${describeTarget(connection)} ${withoutPassword(connection)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

it('nothing of a password is printed, even if a character in it was not percent-encoded', () => {
  const specials = [
    '@',
    '/',
    '?',
    '#',
    ':',
    '[',
    ']',
    ',',
    '&',
    '=',
    '%',
    ' ',
    "'",
    '\\',
    '@@',
    '@/',
    '/@',
    '?@',
    ':@',
    '1/@',
  ];
  for (const special of [...specials, '/x?sslmode=', '?connect_timeout=', '?requirepeer=', '?x=1&host=']) {
    for (const password of [
      `pa${special}s3cr3tpw`,
      `1234${special}s3cr3tpw`,
      `${special}s3cr3tpw`,
      `s3cr3tpw${special}`,
    ]) {
      const connections = [
        `postgres://u:${password}@127.0.0.1:1/db`,
        `postgres://u:${password}@127.0.0.1`,
        `postgres://u:${password}@127.0.0.1:1/db?sslmode=require`,
        `host=127.0.0.1 port=1 dbname=db user=u password=${password}`,
        `host=u:${password}@127.0.0.1 dbname=db`,
      ];
      for (const connection of connections) expect(printedOf(connection), connection).not.toContain('s3cr3tpw');
    }
  }
});

it('a connection string where a host or a database is expected is refused and not quoted', () => {
  const url = 'postgres://u:s3cr3tpw@127.0.0.1/db';
  for (const variable of ['PGHOST', 'PGDATABASE']) {
    const before = process.env[variable];
    process.env[variable] = url;
    try {
      expect(printedOf('user=u')).toMatch(/^the (host has an "@"|database name is a connection string)/);
    } finally {
      if (before === undefined) delete process.env[variable];
      else process.env[variable] = before;
    }
  }
  expect(printedOf(`host=h dbname=${url}`)).toMatch(/^the database name is a connection string/);
  expect(printedOf("host=h dbname='host=x password=s3cr3tpw'")).not.toContain('s3cr3tpw');
});

it('an "@" that is percent-encoded, or in a path, is read', () => {
  expect(describeTarget('postgres://u%40corp:p%40w@127.0.0.1:1/d%40b')).toBe('127.0.0.1:1/d@b');
  expect(describeTarget('host=/tmp/a@b port=1 dbname=d@b user=u')).toBe('/tmp/a@b:1/d@b');
});

it('a connection string without its password leads to the same place, however the password is written', () => {
  const piece = fc.constantFrom(...'#?[]:;,&=% \'"\\!*~x9'.split(''), '%40', '12', 'postgres://', 'é');
  const password = fc.array(piece, { maxLength: 6 }).map((pieces) => `${pieces.join('')}s3cr3tpw`);
  const rest = fc.constantFrom(
    'h',
    'h:1/d',
    'h,i:2/d?sslmode=require',
    '[::1]:5/',
    '/d?host=/tmp',
    'h/d%2Fe?options=-c%20x%3D1',
  );
  const connection = fc.oneof(
    fc.tuple(password, rest).map(([secret, where]) => `postgres://u:${secret}@${where}`),
    fc
      .tuple(password, rest)
      .map(([secret, where]) => `postgresql://u@${where}${where.includes('?') ? '&' : '?'}password=${secret}`),
    fc.tuple(password, rest).map(([secret, where]) => `postgres://${where}?sslpassword=${encodeURIComponent(secret)}`),
    password.map((secret) =>
      asKeywords([
        ['host', "it's"],
        ['password', secret],
        ['dbname', 'a\\b'],
      ]),
    ),
  );
  let read = 0;
  fc.assert(
    fc.property(connection, (text) => {
      let settings: ReturnType<typeof parseConnectionString>;
      try {
        settings = parseConnectionString(text);
      } catch {
        return;
      }
      read += 1;
      const shown = withoutPassword(text);
      expect(shown).not.toContain('s3cr3tpw');
      const kept = [...settings].filter(([keyword]) => !/password/.test(keyword));
      expect([...parseConnectionString(shown)].sort()).toEqual(kept.sort());
    }),
    { numRuns: 2_000 },
  );
  expect(read).toBeGreaterThan(500);
});
