/** Where a role without rights may have put a function that a more powerful role would run, on each version of PostgreSQL. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect } from '../../core/ledger/connect.ts';
import { resolveForeignKey } from '../../core/ledger/resolve-foreign-key.ts';
import { makePlace, PLACES, type Place } from '../core/checks/untrusted-code.cases.ts';
import { type MatrixDatabase, type MatrixServer, startServer } from './server.helpers.ts';
import { majorUnderTest } from './version.helpers.ts';

let server: MatrixServer;
let db: MatrixDatabase;
beforeAll(async () => {
  server = await startServer(majorUnderTest);
  db = await server.database('CREATE ROLE app');
});
afterAll(() => server.stop());

const resolve = async () => {
  const core = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
  try {
    return await resolveForeignKey(core, { table: 'app.path' }, 'verify');
  } finally {
    await core.end();
  }
};

/** The schema is a superuser's: its owner would have to be trusted as well. */
const make = async (place: Place) => {
  await db.observer.query(makePlace(place, 'app', 'app'));
  await db.observer.query('RESET ROLE; ALTER SCHEMA app OWNER TO CURRENT_USER; GRANT ALL ON SCHEMA app TO app');
};
// An operator class of a superuser counts for all tables of the database.
afterEach(() => vi.unstubAllEnvs());
afterEach(() =>
  db.observer.query('RESET ROLE; RESET search_path; DROP SCHEMA app CASCADE; DROP SCHEMA IF EXISTS stranger CASCADE'),
);

describe('a function of the application', () => {
  const here = PLACES.filter(({ from = 13 }) => majorUnderTest >= from);
  const titled = (wanted: boolean) =>
    here
      .filter(({ refused }) => (refused !== undefined) === wanted)
      .map((place): [string, Place] => [place.title, place]);

  it.each(titled(true))('is refused, unless the operator trusts its owner, in %s', async (_, place) => {
    await make(place);
    await expect(resolve()).rejects.toMatchObject({
      name: 'UntrustedCode',
      message: expect.stringContaining(`function ${place.builtIn ? '' : 'app.'}${place.refused} of app`),
    });
    vi.stubEnv('P2PFK_TRUST_OWNERS', 'another,app');
    await expect(resolve()).resolves.toMatchObject({ table: 'app.path' });
  });

  it('is not accepted where the database or the login says that its owner is trusted', async () => {
    await make(PLACES[0] as Place);
    await db.observer.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET p2pfk.trusted_owners = app', current_database()); END $$`,
    );
    try {
      await expect(resolve()).rejects.toMatchObject({ name: 'UntrustedCode' });
    } finally {
      await db.observer.query(
        `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET p2pfk.trusted_owners', current_database()); END $$`,
      );
    }
  });

  it.each(titled(false))('is accepted in %s', async (_, place) => {
    await make(place);
    await expect(resolve()).resolves.toMatchObject({ table: 'app.path' });
  });

  it('of a member of the login counts as the login’s only where the member may become it', async () => {
    const grant = (options: string) =>
      db.observer.query(`DO $$ BEGIN EXECUTE format('GRANT %I TO app ${options}', session_user); END $$`);
    await make({ title: '', after: 'CREATE INDEX ON path_1 (evil())' });
    await expect(resolve()).rejects.toThrow('function app.evil() of app');
    if (majorUnderTest >= 16) {
      for (const options of ['INHERIT FALSE, SET FALSE', 'INHERIT TRUE, SET FALSE']) {
        await grant(`WITH ${options}`);
        await expect(resolve()).rejects.toThrow('function app.evil() of app');
      }
      // It can give itself the right.
      await grant('WITH INHERIT FALSE, SET FALSE, ADMIN TRUE');
      await expect(resolve()).resolves.toMatchObject({ table: 'app.path' });
      await grant('WITH ADMIN FALSE');
    }
    await grant(majorUnderTest >= 16 ? 'WITH SET TRUE' : '');
    await expect(resolve()).resolves.toMatchObject({ table: 'app.path' });
  });
});
