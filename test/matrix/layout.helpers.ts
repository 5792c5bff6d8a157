/** A layout: two partitioned tables, a foreign key between them, and what should become of it. */
import { expect } from 'vitest';
import { sqlStateOf } from '../../core/postgres/postgres-errors.ts';
import type { LocalInput } from '../../local/executions.ts';
import type { PostgresMajor } from '../../scripts/install-postgres.ts';
import { rowsSnapshot } from '../support/catalog.ts';
import { catalog } from './catalog.helpers.ts';
import { errorsOf, everything, execute, plan, succeeds, verify } from './migration.helpers.ts';
import type { MatrixDatabase, MatrixServer } from './server.helpers.ts';

export interface Layout {
  readonly title: string;
  /** First major version that can have it. */
  readonly since?: PostgresMajor;
  /** Last major version that can have it. */
  readonly until?: PostgresMajor;
  /** Makes the tables, their rows and the foreign key. */
  readonly sql: string;
  /** The referencing table; default `path`. */
  readonly table?: string;
  readonly constraint?: string;
  /** More of the execution's input. */
  readonly input?: Readonly<Record<string, unknown>>;
}

/**
 * A statement and what becomes of it: `accepted`, or the SQLSTATE of its refusal, or `restrict`, which has one of its own
 * from 18 on.
 */
export type Attempt = readonly [outcome: string, sql: string];

export interface MigratedLayout extends Layout {
  /** `path_1 -> inode_1`, without the schema `public`. */
  readonly pairs: readonly string[];
  /** Ids of findings that the plan has to have. */
  readonly findings?: readonly string[];
  /** What the parent FK does, and the pair FKs do too. */
  readonly same?: readonly Attempt[];
  /** What only the pair FKs do: the findings say so. */
  readonly changed?: readonly (readonly [before: string, after: string, sql: string])[];
  /** Gone through with the psql scripts as well. */
  readonly psql?: true;
  /** Looks at the migrated database. */
  readonly look?: (db: MatrixDatabase) => Promise<void>;
}

export interface RefusedLayout extends Layout {
  /** Id of the finding, or name of the error where no plan can be made. */
  readonly because: string;
  /** What the message has to say. */
  readonly saying: RegExp;
}

export function inputOf({ table = 'path', constraint, input }: Layout): LocalInput {
  return { table, accept: ['all'], ...(constraint === undefined ? {} : { constraint }), ...input };
}

/** Plans, migrates, verifies, looks, rolls back, and compares with how it was. */
export async function migrateAndBack(server: MatrixServer, layout: MigratedLayout): Promise<void> {
  await withDatabase(server, layout, async (db) => {
    const { same = [], changed = [] } = layout;
    const input = inputOf(layout);
    const before = { catalog: await catalog(db.observer), rows: await rowsSnapshot(db.observer) };
    const standing = await foreignKeys(db);
    const read = await plan(db, input);
    expect(errorsOf(read)).toEqual([]);
    expect(read.pairs.map((pair) => name(pair)).sort()).toEqual([...layout.pairs].sort());
    expect(read.findings.map(({ id }) => id)).toEqual(expect.arrayContaining([...(layout.findings ?? [])]));
    await expectAttempts(db, [...same, ...changed.map(([outcome, , sql]) => [outcome, sql] as const)]);
    expect(await catalog(db.observer)).toBe(before.catalog);

    const leaves = read.pairs.map(({ referencing }) => referencing);
    await succeeds(db, input, 'MIGRATED', leaves);

    expect(await verify(db, input)).toMatchObject({ passed: true });
    expect(await rowsSnapshot(db.observer)).toBe(before.rows);
    await expectPairForeignKeys(db, layout, standing, read.constraint);
    await expectAttempts(db, [...same, ...changed.map(([, outcome, sql]) => [outcome, sql] as const)]);
    await layout.look?.(db);

    await succeeds(db, { ...input, operation: 'rollback' }, 'ROLLED_BACK', leaves);
    expect(await catalog(db.observer)).toBe(before.catalog);
    expect(await rowsSnapshot(db.observer)).toBe(before.rows);
  });
}

/** The plan says why not, the migration refuses for the same reason, and nothing has changed. */
export async function isRefused(server: MatrixServer, layout: RefusedLayout): Promise<void> {
  await withDatabase(server, layout, async (db) => {
    const input = inputOf(layout);
    const before = await everything(db.observer);

    const ending = await execute(db, input);

    expect(ending).toMatchObject({ status: 'FAILED', message: expect.stringMatching(layout.saying) });
    if (ending.error === 'PreflightFailed') {
      expect(errorsOf(await plan(db, input))).toContain(layout.because);
      expect(ending.message).toContain(`[${layout.because}]`);
    } else {
      expect(ending.error).toBe(layout.because);
    }
    expect(ending.states).toEqual(['Plan', 'Refused']);
    expect(await everything(db.observer)).toBe(before);
    const ledger = await db.observer.query(`SELECT FROM pg_namespace WHERE nspname = 'p2pfk'`);
    expect(ledger.rowCount).toBe(0);
  });
}

export async function withDatabase(
  server: MatrixServer,
  { sql }: { readonly sql: string },
  work: (db: MatrixDatabase) => Promise<void>,
): Promise<void> {
  const db = await server.database(sql);
  try {
    await work(db);
  } finally {
    await db.drop();
  }
}

/** Tries each statement in a transaction of its own, deferred constraints included, and takes it back. */
export async function expectAttempts(db: MatrixDatabase, attempts: readonly Attempt[]): Promise<void> {
  const outcomes: Attempt[] = [];
  for (const [expected, sql] of attempts) {
    await db.observer.query('BEGIN');
    const outcome = await db.observer
      .query(`${sql}; SET CONSTRAINTS ALL IMMEDIATE`)
      .then(() => 'accepted')
      .catch((error: unknown) => sqlStateOf(error) ?? String(error));
    await db.observer.query('ROLLBACK');
    outcomes.push([expected === 'restrict' && /^23503|23001$/.test(outcome) ? expected : outcome, sql]);
  }
  expect(outcomes).toEqual(attempts);
}

/** A foreign key that nobody derived from another, with all that it does. */
interface ForeignKeyShape {
  readonly pair: string;
  readonly constraint: string;
  readonly validated: boolean;
  readonly shape: unknown;
}

async function foreignKeys({ observer }: MatrixDatabase): Promise<ForeignKeyShape[]> {
  const { rows } = await observer.query<{ referencing: string; referenced: string } & Omit<ForeignKeyShape, 'pair'>>(
    `SELECT format('%I.%I', an.nspname, a.relname) AS referencing, format('%I.%I', bn.nspname, b.relname) AS referenced,
            c.conname AS constraint, c.convalidated AS validated,
            jsonb_build_object('match', c.confmatchtype, 'update', c.confupdtype, 'delete', c.confdeltype,
              'deferrable', c.condeferrable, 'deferred', c.condeferred,
              'keys', (SELECT jsonb_agg(k.attname || ' -> ' || r.attname ORDER BY u.n)
                         FROM unnest(c.conkey, c.confkey) WITH ORDINALITY u(k, r, n)
                         JOIN pg_attribute k ON k.attrelid = c.conrelid AND k.attnum = u.k
                         JOIN pg_attribute r ON r.attrelid = c.confrelid AND r.attnum = u.r),
              'set', (SELECT jsonb_agg(k.attname ORDER BY k.attname)
                        FROM jsonb_array_elements_text(nullif(to_jsonb(c) -> 'confdelsetcols', 'null')) s(attnum)
                        JOIN pg_attribute k ON k.attrelid = c.conrelid AND k.attnum = s.attnum::int)) AS shape
       FROM pg_constraint c
       JOIN pg_class a ON a.oid = c.conrelid JOIN pg_namespace an ON an.oid = a.relnamespace
       JOIN pg_class b ON b.oid = c.confrelid JOIN pg_namespace bn ON bn.oid = b.relnamespace
      WHERE c.contype = 'f' AND c.conparentid = 0 AND an.nspname <> 'p2pfk'`,
  );
  return rows.map(({ referencing, referenced, ...rest }) => ({ pair: name({ referencing, referenced }), ...rest }));
}

/** Each pair has one valid foreign key that does what the parent FK did, and the parent FK is gone. */
async function expectPairForeignKeys(
  db: MatrixDatabase,
  layout: MigratedLayout,
  before: readonly ForeignKeyShape[],
  constraint: string,
): Promise<void> {
  const key = (one: ForeignKeyShape) => `${one.pair} ${one.constraint}`;
  const now = await foreignKeys(db);
  const made = now.filter((one) => !before.some((old) => key(old) === key(one)));
  const gone = before.filter((one) => !now.some((other) => key(other) === key(one)));
  expect(gone.map((one) => one.constraint)).toEqual([constraint]);
  expect(made.map(({ pair }) => pair).sort()).toEqual([...layout.pairs].sort());
  for (const one of made) expect(one).toMatchObject({ validated: true, shape: gone[0]?.shape });
}

function name({ referencing, referenced }: { readonly referencing: string; readonly referenced: string }): string {
  return `${referencing.replace(/^public\./, '')} -> ${referenced.replace(/^public\./, '')}`;
}
