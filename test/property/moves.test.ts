/**
 * UPDATEs that move rows to another partition, under every pair of actions, before, during and after a migration and in its
 * rollback: each transaction ends as under the parent FK alone, or is refused. No referencing row is lost or changed by what the
 * parent FK refused, or kept. See property.test.ts for how to replay a failure.
 */
import fc from 'fast-check';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Execution } from '../core/execution.helpers.ts';
import { type MatrixDatabase, type MatrixServer, startServer } from '../matrix/server.helpers.ts';
import { majorUnderTest } from '../matrix/version.helpers.ts';
import type { Action } from './drawn-schema.ts';

/** One migration takes seconds; the two other tests of this folder draw more. */
const runs = Math.ceil(Number(process.env.P2PFK_RUNS ?? 10) / 4);
const seed = Number(process.env.P2PFK_SEED ?? 20_261_126);
const path = process.env.P2PFK_PATH;

interface Drawn {
  readonly onDelete: Action;
  readonly onUpdate: Action;
  readonly deferrable: '' | 'DEFERRABLE' | 'DEFERRABLE INITIALLY DEFERRED';
  /** Keys 1 and 2 lie in a LIST of both, or key 2 in the DEFAULT partition. */
  readonly layout: 'LIST' | 'DEFAULT' | 'RANGE';
  readonly transactions: readonly (readonly Statement[])[];
}

type Statement =
  | { readonly table: 'inode' | 'path'; readonly from: number; readonly to: number; readonly ino: number }
  | { readonly table: 'trigger'; readonly from: number; readonly to: number; readonly ino: number };

const ACTIONS: readonly Action[] = ['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'];
/** Keys that partitions hold: 0 and 1 in the first, 2 and 3 in the second, 4 and 5 in the last. */
const KEYS = 6;

function drawnArbitrary(): fc.Arbitrary<Drawn> {
  const statement: fc.Arbitrary<Statement> = fc.record({
    table: fc.constantFrom('inode', 'inode', 'path', 'trigger'),
    from: fc.nat(KEYS - 1),
    to: fc.nat(KEYS - 1),
    ino: fc.integer({ min: 1, max: 4 }),
  });
  return fc.record({
    onDelete: fc.constantFrom(...ACTIONS),
    onUpdate: fc.constantFrom(...ACTIONS),
    deferrable: fc.constantFrom('', '', 'DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED'),
    layout: fc.constantFrom('LIST', 'DEFAULT', 'RANGE'),
    transactions: fc.array(fc.array(statement, { minLength: 1, maxLength: 3 }), { minLength: 12, maxLength: 20 }),
  });
}

const BOUNDS: Readonly<Record<Drawn['layout'], readonly [by: string, bounds: readonly string[]]>> = {
  LIST: ['LIST (k)', ['FOR VALUES IN (0, 1)', 'FOR VALUES IN (2, 3)', 'FOR VALUES IN (4, 5, NULL)']],
  DEFAULT: ['LIST (k)', ['FOR VALUES IN (0, 1)', 'FOR VALUES IN (2, 3)', 'DEFAULT']],
  RANGE: ['RANGE (k)', ['FOR VALUES FROM (0) TO (2)', 'FOR VALUES FROM (2) TO (4)', 'FOR VALUES FROM (4) TO (9)']],
};

/** A row of inode for each key and number 1 to 3; 1 and 2 are referenced. A trigger moves the rows that it is told to. */
function schema({ onDelete, onUpdate, deferrable, layout }: Drawn): string {
  const [by, bounds] = BOUNDS[layout];
  return `
    DROP SCHEMA IF EXISTS p2pfk CASCADE; DROP TABLE IF EXISTS path, inode; DROP FUNCTION IF EXISTS move;
    CREATE TABLE inode (k int, ino int, goes int, UNIQUE (k, ino)) PARTITION BY ${by};
    CREATE TABLE path (id int, k int DEFAULT 0, ino int DEFAULT 3) PARTITION BY ${by};
    ${bounds
      .map(
        (bound, n) =>
          `CREATE TABLE inode_${n} PARTITION OF inode ${bound}; CREATE TABLE path_${n} PARTITION OF path ${bound};`,
      )
      .join('\n')}
    INSERT INTO inode SELECT k, ino FROM generate_series(0, ${KEYS - 1}) AS k, generate_series(1, 3) AS ino;
    INSERT INTO path SELECT 10 * k + ino, k, ino FROM inode WHERE ino < 3;
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino)
      ON DELETE ${onDelete} ON UPDATE ${onUpdate} ${deferrable};
    CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.goes IS NOT NULL THEN NEW.k := NEW.goes; NEW.ino := NEW.ino + 10; END IF; RETURN NEW; END $$;
    CREATE TRIGGER zz_move BEFORE UPDATE ON inode FOR EACH ROW EXECUTE FUNCTION move();`;
}

function render({ table, from, to, ino }: Statement): string {
  return table === 'trigger'
    ? `UPDATE inode SET goes = ${to} WHERE k = ${from} AND ino = ${ino}`
    : `UPDATE ${table} SET k = ${to}, ino = ${ino + 10} WHERE k = ${from} AND ino = ${ino}`;
}

/** `refused`, or all referencing rows as the transaction would leave them; it is taken back. */
async function outcome(client: Client, statements: readonly Statement[]): Promise<string> {
  await client.query('BEGIN');
  try {
    for (const statement of statements) await client.query(render(statement));
    await client.query('SET CONSTRAINTS ALL IMMEDIATE');
    const { rows } = await client.query<{ rows: string }>(
      `SELECT string_agg(p::text, ' ' ORDER BY p::text) AS rows FROM path AS p`,
    );
    return rows[0]?.rows ?? 'none';
  } catch (error) {
    if (/^23/.test((error as { code?: string }).code ?? '')) return 'refused';
    throw error;
  } finally {
    await client.query('ROLLBACK');
  }
}

let server: MatrixServer;
let original: MatrixDatabase;
let migrated: MatrixDatabase;
beforeAll(async () => {
  server = await startServer(majorUnderTest);
  original = await server.database('');
  migrated = await server.database('');
}, 60_000);
afterAll(async () => {
  await original?.drop();
  await migrated?.drop();
  await server?.stop();
});

async function check(drawn: Drawn): Promise<void> {
  for (const { observer } of [original, migrated]) await observer.query(schema(drawn));
  const expected: string[] = [];
  for (const one of drawn.transactions) expected.push(await outcome(original.observer, one));
  const compare = async (when: string) => {
    for (const [n, one] of drawn.transactions.entries()) {
      const now = await outcome(migrated.observer, one);
      // What the parent FK alone refuses (RESTRICT, deferred or not) may pass where its pair FK has nothing to say; then the
      // referencing rows are as the statements themselves left them.
      if (now !== 'refused' && expected[n] !== 'refused')
        expect(now, `${when}: ${one.map(render).join('; ')}`).toBe(expected[n]);
      if (now !== 'refused' && expected[n] === 'refused')
        expect(now.split(' ').length, `${when}: ${one.map(render).join('; ')}`).toBe(2 * KEYS);
    }
  };
  process.env.DATABASE_URL = migrated.url;
  const execution = new Execution();
  await execution.migrate('BuildIndexes', { accept: ['all'] });
  for (const { pair } of execution.pairs) {
    await execution.addForeignKey(pair);
    await compare(`with the FK of pair ${pair}`);
  }
  await execution.run('ValidateForeignKeys');
  await execution.verifyGate();
  await execution.dropParentForeignKey();
  await compare('after the drop');
  const back = new Execution();
  const { pairs } = await back.plan({ operation: 'rollback' });
  await back.fence(null);
  for (const { pair } of pairs) await back.restoreParent(pair);
  await back.attachParent();
  await compare('with the parent FK back');
  await back.dropPairForeignKeys();
  await back.verifyRolledBack();
  for (const [n, one] of drawn.transactions.entries())
    expect(await outcome(migrated.observer, one), 'after the rollback').toBe(expected[n]);
}

it(`no UPDATE that moves a row costs a referencing row: ${runs} migrations, seed ${seed}`, {
  timeout: 60_000 + runs * 120_000,
}, async () => {
  await fc.assert(fc.asyncProperty(drawnArbitrary(), check), {
    seed,
    numRuns: runs,
    ...(path === undefined ? {} : { path }),
  });
});
