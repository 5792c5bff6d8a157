/** The tests' own instruments must not lie. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { catalogSnapshot, rowsSnapshot } from '../support/catalog.ts';
import { createDatabase, SOURCE_CASE_ROWS } from '../support/database.ts';
import { backends, holdLock, waitForLockWait, waitUntil } from '../support/observe.ts';

async function sourceCase() {
  const db = await createDatabase('source-case');
  onTestFinished(() => db.drop());
  return db;
}

describe('createDatabase', () => {
  it('clones the source case, alike each time and independent', async () => {
    const [one, two] = await Promise.all([sourceCase(), sourceCase()]);
    const [first, second] = await Promise.all([one.client(), two.client()]);
    await first.query('DELETE FROM path WHERE ino = 1');

    const { rows } = await second.query('SELECT count(*)::int AS rows FROM path');

    expect(rows).toEqual([{ rows: SOURCE_CASE_ROWS }]);
    expect(await catalogSnapshot(first)).toBe(await catalogSnapshot(second));
    expect(await rowsSnapshot(first)).not.toBe(await rowsSnapshot(second));
  });

  it('fails the test that leaks a connection, and drops the database all the same', async () => {
    const db = await createDatabase();
    const observer = await (await sourceCase()).client();
    const { Client } = await import('pg');
    const leak = new Client({ connectionString: db.url, application_name: 'forgotten' });
    leak.on('error', () => {});
    await leak.connect();

    await expect(db.drop()).rejects.toThrow(/leaked connections:\nforgotten/);

    const { rows } = await observer.query('SELECT FROM pg_database WHERE datname = $1', [db.name]);
    expect(rows).toEqual([]);
  });
});

describe('catalogSnapshot', () => {
  it.each([
    ['a foreign key dropped', 'ALTER TABLE path DROP CONSTRAINT path_medium_hash_ino_fkey'],
    ['a comment', `COMMENT ON CONSTRAINT path_medium_hash_ino_fkey ON path IS 'x'`],
    ['an index', 'CREATE INDEX ON path_p_bb226d2a (ino)'],
    ['a disabled trigger', 'ALTER TABLE path_p_bb226d2a DISABLE TRIGGER ALL'],
    [
      'a constraint that is not valid',
      'ALTER TABLE path_p_bb226d2a ADD FOREIGN KEY (medium_hash, ino) REFERENCES inode_p_bb226d2a NOT VALID',
    ],
    ['a partition less', 'ALTER TABLE path DETACH PARTITION path_p_1d7c9dc8'],
    ['a privilege', 'GRANT SELECT ON path TO pg_monitor'],
  ])('sees %s', async (_, change) => {
    const client = await (await sourceCase()).client();
    const before = await catalogSnapshot(client);

    await client.query(change);

    expect(await catalogSnapshot(client)).not.toBe(before);
  });

  it('does not see the ledger, nor a foreign key that left and came back', async () => {
    const client = await (await sourceCase()).client();
    const before = await catalogSnapshot(client);
    const { rows } = await client.query(
      `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE conrelid = 'path'::regclass AND conname = 'path_medium_hash_ino_fkey'`,
    );

    await client.query(`CREATE SCHEMA p2pfk; CREATE TABLE p2pfk.migration (id uuid PRIMARY KEY)`);
    await client.query(`ALTER TABLE path DROP CONSTRAINT path_medium_hash_ino_fkey`);
    await client.query(`ALTER TABLE path ADD CONSTRAINT path_medium_hash_ino_fkey ${rows[0].definition}`);

    expect(await catalogSnapshot(client)).toBe(before);
  });
});

describe('observers', () => {
  it('see who waits for a lock, and go on when it is released', async () => {
    const db = await sourceCase();
    const [holder, waiter, observer] = await Promise.all([db.client(), db.client(), db.client()]);
    const held = await holdLock(holder, 'LOCK TABLE path IN ACCESS EXCLUSIVE MODE');
    const waiting = waiter.query('SELECT count(*) FROM path');

    const backend = await waitForLockWait(observer, /count/);
    await held.release();
    await waiting;

    expect(backend).toMatchObject({ application: 'test', state: 'active' });
    expect((await backends(observer)).some(({ waitsForLock }) => waitsForLock)).toBe(false);
  });

  it('say what they waited for in vain', async () => {
    await expect(waitUntil(() => false, 'rain', 20)).rejects.toThrow('waited 0.02 s for rain');
  });
});
