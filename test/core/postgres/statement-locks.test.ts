/** Each statement takes the locks that its file says, and no other: read from pg_locks by another session. */
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ForeignKey } from '../../../core/catalog/foreign-key.ts';
import { type Pairing, readPairing } from '../../../core/catalog/pairs.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { newLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { toParameters } from '../../../core/postgres/sql.ts';
import { readSql } from '../../../core/postgres/sql-files.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { holdLock, waitForLockWait } from '../../support/observe.ts';
import { THREE_PAIRS } from '../case.helpers.ts';

let db: TestDatabase;
let observer: Client;
/** The session whose locks are looked at. */
let core: Client;
let foreignKey: ForeignKey;
let pairing: Pairing;
beforeAll(async () => {
  db = await createDatabase('empty');
  observer = await db.client();
  await observer.query(THREE_PAIRS);
  await observer.query(newLedger());
  core = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
});
afterAll(async () => {
  await core.end();
  await db.drop();
});

beforeEach(async () => {
  foreignKey = await resolveForeignKey(core, { table: 'path' }, 'migrate');
  pairing = await readPairing(core, foreignKey);
});

/** The statement that one file writes, for pair 1 where it writes one for each pair. */
async function textOf(name: string, values: Record<string, string | number> = {}) {
  const [pair] = pairing.pairs.filter(({ referencing }) => referencing === 'public.path_1');
  const known: Readonly<Record<string, unknown>> = {
    ...foreignKey,
    migration_id: '1',
    ...values,
    pairs: [{ ...pair, pair: 1 }],
  };
  const { text, parameters } = toParameters(readSql(`statements/${name}`));
  const { rows } = await core.query<{ sql: string; lock: string }>(
    text,
    parameters.map((parameter) => {
      const value = known[parameter];
      return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
    }),
  );
  const [statement] = rows;
  if (!statement) throw new Error(`${name} wrote nothing`);
  return statement;
}

/** Locks that stand in anybody's way, as `relation mode`; ACCESS SHARE and ROW SHARE only where asked for. */
async function locksHeld(pid: number, weak = false): Promise<string[]> {
  const { rows } = await observer.query<{ held: string }>(
    `SELECT DISTINCT format('%s %s', c.relname, l.mode) AS held
     FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
     WHERE l.pid = $1 AND l.granted AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
       AND (l.mode NOT IN ('AccessShareLock', 'RowShareLock') OR $2)
     ORDER BY 1`,
    [pid, weak],
  );
  return rows.map(({ held }) => held);
}

const pidOf = async (client: Client) => (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number;

const PAIR = ['inode_1', 'path_1'];
const REFERENCED = ['inode', 'inode_1', 'inode_2', 'inode_3', 'inode_4'];
const ALL = [...REFERENCED, 'path', 'path_1', 'path_2', 'path_3'];

/** File, what is done before it in the same transaction, mode, relations. */
const CASES: [name: string, before: string[], mode: string, relations: string[]][] = [
  ['lock-pair', [], 'SHARE ROW EXCLUSIVE', PAIR],
  ['add-pair-foreign-key', [], 'SHARE ROW EXCLUSIVE', PAIR],
  ['lock-validation', ['add-pair-foreign-key'], 'SHARE UPDATE EXCLUSIVE', ['path_1']],
  ['validate-pair-foreign-key', ['add-pair-foreign-key'], 'SHARE UPDATE EXCLUSIVE', ['path_1']],
  ['lock-tables', [], 'ACCESS EXCLUSIVE', ALL],
  ['drop-parent-foreign-key', [], 'ACCESS EXCLUSIVE', ALL],
  ['create-row-movement-guard', [], 'SHARE ROW EXCLUSIVE', ['inode_1']],
  ['lock-guard', [], 'SHARE ROW EXCLUSIVE', ['inode_1']],
  ['lock-guard-for-drop', [], 'ACCESS EXCLUSIVE', ['inode_1']],
  ['lock-leaf', ['drop-parent-foreign-key'], 'SHARE ROW EXCLUSIVE', [...REFERENCED, 'path_1']],
  ['add-leaf-foreign-key', ['drop-parent-foreign-key'], 'SHARE ROW EXCLUSIVE', [...REFERENCED, 'path_1']],
  ['lock-tables-for-attach', ['drop-parent-foreign-key'], 'SHARE ROW EXCLUSIVE', ALL],
  ['add-parent-foreign-key', ['drop-parent-foreign-key'], 'SHARE ROW EXCLUSIVE', ALL],
  ['lock-pair-for-drop', ['add-pair-foreign-key'], 'ACCESS EXCLUSIVE', PAIR],
  ['drop-pair-foreign-key', ['add-pair-foreign-key'], 'ACCESS EXCLUSIVE', PAIR],
];

const pascal = (mode: string) =>
  `${mode
    .split(' ')
    .map((word) => `${word[0]}${word.slice(1).toLowerCase()}`)
    .join('')}Lock`;

describe('locks held after the statement', () => {
  it.each(CASES)('%s', async (name, before, mode, relations) => {
    const { sql, lock } = await textOf(name);
    const preparations = await Promise.all(before.map((file) => textOf(file)));
    await observer.query(preparations.map((preparation) => preparation.sql).join(';'));

    try {
      await core.query('BEGIN');
      await core.query(sql);
      const held = await locksHeld(await pidOf(core));

      expect(held).toEqual(relations.map((relation) => `${relation} ${pascal(mode)}`).sort());
      expect(lock).toContain(mode);
    } finally {
      await core.query('ROLLBACK');
      await undo();
    }
  });

  it('drop-row-movement-guard: the referenced leaf, and nothing else', async () => {
    await observer.query((await textOf('create-row-movement-guard')).sql);
    const { sql, lock } = await textOf('drop-row-movement-guard');
    try {
      await core.query('BEGIN');
      await core.query(sql);

      expect(await locksHeld(await pidOf(core))).toEqual(['inode_1 AccessExclusiveLock']);
      expect(lock).toContain('ACCESS EXCLUSIVE');
    } finally {
      await core.query('COMMIT');
    }
  });

  it('validate-foreign-key: on a leaf, weak locks everywhere but there', async () => {
    await observer.query((await textOf('drop-parent-foreign-key')).sql);
    await observer.query((await textOf('add-leaf-foreign-key')).sql);
    const { pairs } = await readPairing(core, { ...foreignKey, constraint_oid: null });
    const oid = pairs.find(({ referencing }) => referencing === 'public.path_1')?.leaf_constraint_oid ?? 0;

    try {
      await core.query('BEGIN');
      await core.query((await textOf('validate-foreign-key', { constraint_oid: oid })).sql);

      expect(await locksHeld(await pidOf(core))).toEqual(['path_1 ShareUpdateExclusiveLock']);
    } finally {
      await core.query('ROLLBACK');
      await undo();
    }
  });

  it('comment-foreign-key: stops nobody', async () => {
    try {
      await core.query('BEGIN');
      const { sql, lock } = await textOf('comment-foreign-key');
      await core.query(sql);

      expect(await locksHeld(await pidOf(core), true)).toEqual(['path AccessShareLock']);
      expect(lock).toBe('ACCESS SHARE on the referencing table');
    } finally {
      await core.query('ROLLBACK');
    }
  });

  it('validate-pair-foreign-key: stops neither readers nor writers of the referenced partition', async () => {
    await observer.query((await textOf('add-pair-foreign-key')).sql);
    try {
      await core.query('BEGIN');
      await core.query((await textOf('validate-pair-foreign-key')).sql);

      const held = await locksHeld(await pidOf(core), true);
      expect(held.filter((line) => line.startsWith('inode'))).toContain('inode_1 RowShareLock');
    } finally {
      await core.query('ROLLBACK');
      await undo();
    }
  });

  /** Back to the parent FK alone. */
  async function undo(): Promise<void> {
    await observer.query(`
      ALTER TABLE path_1 DROP CONSTRAINT IF EXISTS fk_path_to_inode_1;
      ALTER TABLE path DROP CONSTRAINT IF EXISTS path_fk;
      ALTER TABLE path_1 DROP CONSTRAINT IF EXISTS path_fk;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE;`);
  }
});

describe('locks held while it waits for an older transaction', () => {
  it.each([
    ['create-index', 'DROP INDEX IF EXISTS idx_path_1_fk'],
    ['drop-index', 'CREATE INDEX IF NOT EXISTS idx_path_1_fk ON path_1 (medium, ino)'],
  ])('%s: one that lets readers and writers pass', async (name, before) => {
    const { sql, lock } = await textOf(name);
    await observer.query(before);
    const [writer, passer] = await Promise.all([db.client(), db.client()]);
    // A writer of another table is older than the index; one of the partition itself stands in the way of the build.
    const held = await holdLock(writer, 'UPDATE path_1 SET name = name WHERE ino = 1');
    const running = core.query(sql);

    const waiting = await waitForLockWait(observer, /INDEX CONCURRENTLY/);
    const locks = await locksHeld(waiting.pid);
    await passer.query(
      `SET lock_timeout = '5s'; SELECT FROM path_1 LIMIT 1; UPDATE path_1 SET name = name WHERE ino = 2;`,
    );
    await held.release();
    await running;

    expect(locks).toEqual(['path_1 ShareUpdateExclusiveLock']);
    expect(lock).toContain('SHARE UPDATE EXCLUSIVE');
  });
});

it('add-parent-foreign-key-not-valid, which only PostgreSQL 18 runs, differs by two words', async () => {
  const [plain, notValid] = [await textOf('add-parent-foreign-key'), await textOf('add-parent-foreign-key-not-valid')];

  expect(notValid.sql).toBe(`${plain.sql} NOT VALID`);
});
