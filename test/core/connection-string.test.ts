/** Connection strings, read as psql reads them. */
import { expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';
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
