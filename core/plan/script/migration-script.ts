/**
 * The migration as a script for psql, which a DBA reads and runs by hand: everything that `p2pfk migrate` would run, in its
 * transactions and in its order, and the rollback. The script runs once: it does not retry a lock, and cannot be resumed. If it
 * stops, the ledger has how far it got, so that `p2pfk migrate` continues and `p2pfk rollback` rolls back.
 */
import type { Client } from 'pg';
import { readFinalNames } from '../../catalog/pair-names.ts';
import { readGuards, wantsGuard } from '../../catalog/row-movement-guard.ts';
import type { ExecutionInput } from '../../contracts/execution-input.ts';
import { nextMigrationId } from '../../ledger/migrations.ts';
import { makeLedgerStatements } from '../../ledger/schema/make-ledger.ts';
import { run } from '../../postgres/sql.ts';
import { readSql } from '../../postgres/sql-files.ts';
import type { PlanReading } from '../read-plan.ts';
import { forwardBlocks } from './forward-blocks.ts';
import { comment, literal, RESTORE_SETTINGS } from './psql-text.ts';
import { rollbackBlocks } from './rollback-blocks.ts';
import type { ScriptSource } from './script-source.ts';
import { refuseOtherTables, refuseUntrustedCode, trustBlock } from './trust.ts';

/** Has the form of a local execution that has ended, so that `p2pfk migrate` may take its migration over. */
const EXECUTION = 'arn:aws:states:local:000000000000:execution:p2pfk:plan-sql';

/**
 * @returns the script; undefined where nothing has to be done, or the ledger already has an open migration of this foreign key,
 *   which `p2pfk migrate` and the scripts of sql/ continue
 */
export async function migrationScript(
  client: Client,
  reading: PlanReading,
  input: ExecutionInput,
): Promise<string | undefined> {
  const { foreignKey, pairing, document, migrated } = reading;
  const { pairs } = pairing;
  if (migrated || foreignKey.constraint_oid === null || foreignKey.migrationId !== null) return undefined;
  const migrationId = await nextMigrationId(client);
  const names = await readFinalNames(client, foreignKey, pairs, input);
  const guards = wantsGuard(foreignKey, input) ? await readGuards(client, foreignKey, migrationId, pairs) : [];
  const texts = await run(client, 'script/texts', { ...foreignKey, pairs });
  const source: ScriptSource = {
    client,
    reading,
    input,
    pairs,
    finalNames: new Map(names.map((name) => [name.pair, name])),
    guards: new Map(guards.filter(({ stands }) => !stands).map((guard) => [guard.pair, guard])),
    texts: new Map(texts.map((text) => [text.pair, text])),
    migrationId,
  };
  const unpaired = document.unpaired.filter(({ side }) => side === 'referencing').map(({ partition }) => partition);
  const blocks = [
    head(source),
    [
      readSql('script/head').trimEnd(),
      `SET lock_timeout = ${input.lockTimeoutMs};`,
      `\\set migration_id ${migrationId}`,
      `\\set execution ${literal(EXECUTION)}`,
      `SELECT set_config('p2pfk.script_migration', :'migration_id', false) AS ignored,`,
      `       set_config('p2pfk.script_unpaired', ${literal(JSON.stringify(unpaired))}, false) AS ignored \\gset`,
    ].join('\n'),
    trustBlock({
      ledger: true,
      next: 'p2pfk migrate goes on where this script stops, and p2pfk rollback goes back',
    }),
    [
      comment('Code of others that reading the tables and comparing their keys would run'),
      ...refuseOtherTables(
        [
          { name: foreignKey.table, oid: foreignKey.referencing_oid },
          { name: foreignKey.referencedTable, oid: foreignKey.referenced_oid },
          ...pairs.flatMap((pair) => [
            { name: pair.referencing, oid: pair.referencing_oid },
            { name: pair.referenced, oid: pair.referenced_oid },
          ]),
        ],
        'p2pfk plan --sql',
      ),
      ...refuseUntrustedCode(foreignKey),
    ].join('\n'),
    refusal(source),
    '\\if :{?way_back}',
    ...(await rollbackBlocks(source)),
    '\\else',
    ...(await forwardBlocks(source, await makeLedgerStatements(client))),
    '\\endif',
    RESTORE_SETTINGS,
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function head({ reading, migrationId }: ScriptSource): string {
  const { table, referencedTable, constraint, serverVersion } = reading.document;
  return [
    comment(`p2pfk plan for ${table} -> ${referencedTable}, foreign key ${constraint}; PostgreSQL ${serverVersion}`),
    '--',
    '--   psql URL -v ON_ERROR_STOP=1 -f FILE                     runs the migration',
    '--   psql URL -v ON_ERROR_STOP=1 -v way_back=on -f FILE      runs the way back, after it or after a part of it',
    '-- With -v ledger_owner=ROLE where another role owns the ledger, schema p2pfk, than the one that runs this, or is to own it.',
    '--',
    '-- All that p2pfk migrate would run, in its transactions and in its order. Each lock has its mode above it; lock_timeout and',
    '-- statement_timeout bound the waits, and a transaction that others wait for is rolled back where all of it takes longer than',
    "-- the lock budget, psql's own pauses included. What it does not do: it tries no lock again, asks no standby before a lock, runs one pair",
    '-- after the other, keeps no account of single statements in p2pfk.event, and does not judge findings. It stops at the first',
    '-- error, and changes nothing twice: run it once. Where it has stopped,',
    '--   p2pfk migrate      goes on from there: the ledger knows how far it has come',
    '--   p2pfk rollback     goes back, as -v way_back=on does',
    '-- The psql scripts of sql/ (migrate-to-p2p-fk-step1 to -step4) do all of that in psql, and can be run again.',
    comment(
      `It is made for the database as it is now: migration ${migrationId} of its ledger, these partitions, these names.`,
    ),
  ].join('\n');
}

/** Comments with the findings, and a statement that fails where preflight refuses. */
function refusal({ reading }: ScriptSource): string {
  const { findings } = reading.document;
  const errors = findings.filter(({ severity }) => severity === 'error');
  const open = reading.acceptance.open;
  return [
    ...findings.map(({ id, severity, message }) => comment(`${severity} ${id}: ${message}`)),
    ...(open.length === 0
      ? []
      : [comment(`needs acceptance: ${open.map(({ id }) => id).join(', ')}; who runs this script accepts it`)]),
    ...(errors.length === 0
      ? []
      : [
          `DO $refused$ BEGIN RAISE EXCEPTION 'preflight refuses this migration, see the comments above: nothing was changed'; END $refused$;`,
        ]),
  ].join('\n');
}
