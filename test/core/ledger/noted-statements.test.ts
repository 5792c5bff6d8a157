/** What the server has seen is what the ledger says: a statement of ours that changes something and is not noted fails here. */
import type { Client } from 'pg';
import { expect, it } from 'vitest';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { executeDdl } from '../../../core/postgres/execute.ts';
import { provision } from '../../../core/provision/provision-pair.ts';
import { describeWithPsql, psqlInOrder, STEPS } from '../../psql/psql.helpers.ts';
import { coreSession, databaseWith } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { FIVE, NAMED_PAIRS, request } from '../provision/migrated.helpers.ts';

/** Writes down each command that changes the catalog, but for those on the ledger itself, and the message that it came in. */
const WATCHED = `${NAMED_PAIRS}
  ALTER TABLE path DROP CONSTRAINT path_fk;
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE DEFERRABLE;
  COMMENT ON CONSTRAINT path_fk ON path IS 'a comment';
  CREATE SCHEMA watch;
  CREATE TABLE watch.seen (n bigint GENERATED ALWAYS AS IDENTITY, tag text, query text, of_ledger boolean);
  CREATE FUNCTION watch.see() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO watch.seen (tag, query, of_ledger)
    SELECT TG_TAG, current_query(),
           TG_TAG IN ('REVOKE', 'DROP VIEW', 'DROP FUNCTION') OR (TG_TAG = 'DROP TRIGGER' AND current_query() ~ ' ON p2pfk[.]')
             OR EXISTS (SELECT FROM pg_event_trigger_ddl_commands() c WHERE c.schema_name = 'p2pfk' OR c.object_identity ~ '(^| on )p2pfk');
  END $$;
  CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watch.see();`;

interface Seen {
  readonly tag: string;
  readonly query: string;
  readonly of_ledger: boolean;
}

async function seen(observer: Client): Promise<Seen[]> {
  return (await observer.query<Seen>('SELECT tag, query, of_ledger FROM watch.seen ORDER BY n')).rows;
}

/** Statements that changed something, by the ledger: neither LOCK TABLE nor what failed or was rolled back. */
async function noted(observer: Client): Promise<{ step: string; sql: string }[]> {
  const { rows } = await observer.query<{ step: string; sql: string }>(
    `SELECT step, sql FROM p2pfk.event WHERE error IS NULL AND sql IS NOT NULL AND sql !~ '^LOCK TABLE' ORDER BY id`,
  );
  return rows;
}

const tagOf = (sql: string) =>
  sql.startsWith('COMMENT') ? 'COMMENT' : /^\S+ \S+/.exec(sql.replace(' OR REPLACE', ''))?.[0];
const counted = (values: readonly (string | undefined)[]) =>
  Object.fromEntries([...Map.groupBy(values, (value) => value)].map(([value, all]) => [value, all.length]).sort());

it('a migration, a rehearsal, provisioning, a repair and a rollback note each statement with its text', async () => {
  const { db, observer } = await databaseWith(WATCHED);
  const core = await coreSession(db.url);
  const execution = new Execution();
  await execution.plan({ accept: ['all'], rehearse: true });
  await execution.runUntil('VerifyGate');
  await execution.plan({ accept: ['all'] });
  await execution.runUntil('VerifyMigration');
  await provision(core, request(FIVE));
  await observer.query(`ALTER TABLE path_one DROP CONSTRAINT path_fk; DROP INDEX idx_path_two_fk;
    DROP TRIGGER "~p2pfk_row_movement_guard_1" ON inode_three`);
  const own = await seen(observer);
  await observer.query('TRUNCATE watch.seen');
  const { outcomes } = await auditAndRepair(core, { lockTimeoutMs: 10_000 });
  await new Execution(execution.arn).plan({ operation: 'rollback' });
  await execution.rollBack(null);

  expect(outcomes.map(({ status }) => status)).not.toContain('FAILED');
  // The last three are those of this test.
  const all = [...own.slice(0, -3), ...(await seen(observer))];
  const ledger = await noted(observer);
  const unnoted = all.filter(({ query }) => !ledger.some(({ sql }) => query === sql || query.includes(`${sql};\n`)));
  expect(unnoted).toEqual([]);
  expect(
    counted(
      ledger.filter(({ step, sql }) => step !== 'Ledger' && !sql.endsWith('ROLLBACK')).map(({ sql }) => tagOf(sql)),
    ),
  ).toEqual(counted(all.filter(({ of_ledger }) => !of_ledger).map(({ tag }) => tag)));
  for (const step of ['Ledger', 'AddForeignKeys', 'DropParentForeignKey', 'Provision', 'AuditRepair', 'AttachParent'])
    expect(ledger.map((event) => event.step)).toContain(step);
  for (const { sql } of ledger.filter(({ step }) => step !== 'Ledger')) expect(sql).not.toMatch(/\$\d|:'|:migration/);
});

it('a statement outside of a transaction that is noted is refused', async () => {
  const { db } = await databaseWith(NAMED_PAIRS);
  const core = await coreSession(db.url);

  await expect(executeDdl(core, 'CREATE TABLE x ()')).rejects.toThrow(/must be noted/);
});

describeWithPsql('the psql scripts', () => {
  it('note as many statements of each kind as the server has seen', async () => {
    const { db, observer } = await databaseWith(WATCHED);
    await psqlInOrder(db.url, [...STEPS, 'rollback'], { table: 'path', accept: 'all' });

    const all = (await seen(observer)).filter(({ of_ledger }) => !of_ledger);
    const ledger = (await noted(observer)).filter(({ step }) => step !== 'Ledger');
    expect(counted(ledger.map(({ sql }) => tagOf(sql)))).toEqual(counted(all.map(({ tag }) => tag)));
    expect(Object.keys(counted(all.map(({ tag }) => tag)))).toEqual([
      'ALTER TABLE',
      'COMMENT',
      'CREATE INDEX',
      'CREATE TRIGGER',
      'DROP INDEX',
      'DROP TRIGGER',
    ]);
  });
});
