/** A scan of the oldest and of the newest version of PostgreSQL, and of a standby. */
import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { startEmbeddedPostgres } from '../../../local/embedded/embedded-postgres.ts';
import { installPostgres } from '../../../scripts/install-postgres.ts';
import { replicatedDatabase, startReplicated } from '../../support/standby.ts';
import { brief, of, pairForeignKey, parentForeignKey, scanned, twoTables } from './scan.helpers.ts';

const TABLES = `
  ${twoTables('a')} ${parentForeignKey('a')}
  ${twoTables('converted')} ${pairForeignKey('converted', 1)} ${pairForeignKey('converted', 2)}
  ${twoTables('gap')} ${pairForeignKey('gap', 1)}
  CREATE TABLE plain (p int, id bigint, FOREIGN KEY (p, id) REFERENCES a_ref);
  CREATE TABLE years (d date, id bigint, PRIMARY KEY (d, id)) PARTITION BY RANGE (d);
  CREATE TABLE months (d date, id bigint, FOREIGN KEY (d, id) REFERENCES years) PARTITION BY RANGE (d);
  CREATE TABLE years_2026 PARTITION OF years FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE TABLE months_01 PARTITION OF months FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');`;

const FOUND = [
  'converted public.converted → public.converted_ref',
  'convertible public.a → public.a_ref',
  'convertible public.months → public.years',
  'plain public.plain → public.a_ref (from-plain-table)',
  'unprotected public.gap → public.gap_ref (missing-pair-foreign-key)',
];

it.each([13, 18] as const)('finds the same on PostgreSQL %i', async (major) => {
  const server = await startEmbeddedPostgres({ binaries: await installPostgres(major) });
  onTestFinished(() => server.stop());
  const client = new Client({ connectionString: server.url });
  await client.connect();
  await client.query(TABLES);
  await client.end();

  const reading = await scanned(server.url);

  expect(brief(reading)).toEqual(FOUND);
  expect(reading.serverVersion).toMatch(new RegExp(`^${major}\\.`));
  expect(of(reading, 'public.a').cost?.rollback.strategy).toBe(major === 18 ? 'not-valid' : 'attach');
});

it('works on a standby, which has not counted what is written', async () => {
  const servers = await startReplicated();
  onTestFinished(() => servers.stop());
  const database = await replicatedDatabase(servers, TABLES);

  const reading = await scanned(database.readerUrl);

  expect(reading).toMatchObject({ standby: true, statisticsSince: null });
  expect(brief(reading)).toEqual(FOUND);
  expect(of(reading, 'public.a').gain).toMatchObject({ insertsPerSecond: null, partitionsLocked: 4 });
});
