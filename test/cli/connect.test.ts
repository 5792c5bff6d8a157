/** What the command line says of connections, beside connecting: test/core/postgres/libpq.test.ts. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { THREE_PAIRS } from '../core/case.helpers.ts';
import { createDatabase } from '../support/database.ts';
import { p2pfk, start } from './cli.helpers.ts';

const WARNING =
  '! the password in --database-url is visible in the process list: use DATABASE_URL, PGPASSWORD or ~/.pgpass\n';

it('a password among the arguments is warned about once; from the environment or a file it is not', async () => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  await (await db.client()).query(THREE_PAIRS);
  const { hostname, port, username, password, pathname } = new URL(db.url);
  const secret = decodeURIComponent(password);
  const folder = mkdtempSync(join(tmpdir(), 'p2pfk-connect-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'pgpass');
  writeFileSync(file, `*:*:*:*:${secret}\n`, { mode: 0o600 });
  const settings = `host=${hostname} port=${port} user=${username} dbname=${pathname.slice(1)}`;
  const plan = ['plan', '-t', 'path', '--json'];

  for (const url of [db.url, `${settings} password=${secret}`]) {
    const { code, stdout, stderr } = await p2pfk([...plan, '-d', url]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: WARNING });
    expect(JSON.parse(stdout)).toMatchObject({ table: 'public.path' });
  }
  for (const [args, env] of [
    [plan, { DATABASE_URL: db.url }],
    [[...plan, '-d', settings], { PGPASSWORD: secret }],
    [[...plan, '-d', settings], { PGPASSFILE: file }],
    [[...plan, '-d', `${settings} sslmode=prefer`], { PGPASSFILE: file, PGSSLMODE: 'require' }],
  ] as const) {
    const { code, stderr } = await p2pfk(args, env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }
});

it('a password among the arguments of serve is warned about before anything connects, and where nothing can', async () => {
  const url = 'postgres://app:s3cret@127.0.0.1:1/orders';
  const served = start(['serve', '--port', '0', '-d', url]);
  await served.says('Ctrl-C ends it.');
  served.child.kill('SIGTERM');
  expect(await served.finished).toMatchObject({ code: 0, stderr: WARNING });

  for (const args of [['plan', '-t', 'path'], ['audit']]) {
    const { code, stderr } = await p2pfk([...args, '-d', url]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^! the password in --database-url .*\np2pfk: cannot connect [^\n]*\n$/),
    });
  }
});

it('the steps of a local execution connect by the same service, and what is kept of it holds no secret', async () => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  await (await db.client()).query(THREE_PAIRS);
  const { hostname, port, username, password, pathname } = new URL(db.url);
  const secret = decodeURIComponent(password);
  const folder = mkdtempSync(join(tmpdir(), 'p2pfk-service-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const lines = [
    `host=${hostname}`,
    `port=${port}`,
    `user=${username}`,
    `dbname=${pathname.slice(1)}`,
    `password=${secret}`,
  ];
  writeFileSync(join(folder, 'services'), `[orders]\n${lines.join('\n')}\n`);
  const state = join(folder, 'state');

  const { code, stdout, stderr } = await p2pfk(
    ['migrate', '-t', 'path', '-d', 'service=orders', '--state-dir', state],
    {
      PGSERVICEFILE: join(folder, 'services'),
    },
  );

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).not.toContain(secret);
  for (const file of readdirSync(state, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name), 'latin1')).not.toContain(secret);
  }
});

it.each([
  ['service=nope', {}, /^p2pfk: the connection service "nope" is not defined: /],
  ['host=127.0.0.1 sslmode=sure', {}, /^p2pfk: sslmode is "sure"; expected one of disable, allow, prefer, require, /],
  ['host=127.0.0.1', { PGSSLMODE: 'no-verify' }, /^p2pfk: sslmode is "no-verify"; .* \(also read from PGSSLMODE\)\n$/],
  [
    'host=127.0.0.1 sslmode=require sslrootcert=/nowhere.pem',
    {},
    /^p2pfk: the root certificate \/nowhere\.pem \(sslrootcert\) cannot be read\n$/,
  ],
  [
    'host=127.0.0.1 sslcert=/nowhere.crt',
    {},
    /^p2pfk: the client certificate \/nowhere\.crt \(sslcert\) cannot be read\n$/,
  ],
  [
    'host=127.0.0.1 sslmode=verify-full',
    { HOME: '/nowhere' },
    /^p2pfk: sslmode=verify-full needs the certificate authority of the server: /,
  ],
  [
    'postgres://127.0.0.1/x?sslmode=require&sslrootcert=system',
    {},
    /^p2pfk: sslrootcert=system needs sslmode=verify-full, and it is require\n$/,
  ],
  [
    'postgres://127.0.0.1/x?schema=public',
    {},
    /^p2pfk: the database URL cannot be read: libpq knows no parameter "schema"; /,
  ],
  ["host=h password='s3cret", {}, /^p2pfk: the database URL cannot be read: a quoted value in it does not end; /],
  [
    'postgres://app:s3/cret@h/x',
    {},
    /^p2pfk: the database URL cannot be read: it has an "@" inside its host or database; .* "\/" as %2F/,
  ],
  [
    'postgres://app:a@s3cret@h/x',
    {},
    /^p2pfk: the database URL cannot be read: it has an "@" inside its host or database; in /,
  ],
  ['host=127.0.0.1 gssencmode=require', {}, /^p2pfk: gssencmode=require is not supported; /],
])('%s is one line and exit 2', async (url, env, line) => {
  const { code, stdout, stderr } = await p2pfk(['plan', '-t', 'path', '-d', url], env);

  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(line);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).not.toMatch(/s3|cret/);
});
