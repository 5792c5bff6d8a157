/** The forward path as blocks of a psql script. */

import { renameStatements } from '../../catalog/pair-names.ts';
import { type Statement, statementsFor } from '../../catalog/statements.ts';
import { countQueries } from '../../checks/orphan-count.ts';
import { printable } from '../../contracts/safe-text.ts';
import { lockedTablesGuard } from '../../postgres/locks/locked-tables.ts';
import { constraintsGuard } from '../../postgres/locks/named-constraints.ts';
import { run, runOne, withoutFrame } from '../../postgres/sql.ts';
import { readSql } from '../../postgres/sql-files.ts';
import {
  asRows,
  block,
  comment,
  type LockedStatement,
  limits,
  literal,
  statement,
  transaction,
  underCallersPath,
} from './psql-text.ts';
import type { ScriptSource } from './script-source.ts';
import { lockForCount, lockForValidation, refuseLedger, refuseUntrustedCode, requireLedger } from './trust.ts';

/** As in core/steps/validation.ts: a request for SHARE UPDATE EXCLUSIVE that waits blocks no reader and no writer. */
const VALIDATION_LOCK_MS = 10_000;

/**
 * All blocks, in order.
 *
 * @param ledger statements that make or upgrade the ledger
 */
export async function forwardBlocks(source: ScriptSource, ledger: readonly string[]): Promise<string[]> {
  return [
    ledgerBlock(ledger),
    await openingBlock(source),
    ...(await indexBlocks(source)),
    ...(await addBlocks(source)),
    ...(await validationBlocks(source)),
    `${withoutFrame(readSql('script/note-triggers')).trimEnd()} \\gset`,
    ...(await countBlocks(source, 'VerifyGate')),
    gateBlock(source),
    await dropBlock(source),
    ...(await countBlocks(source, 'VerifyMigration')),
    finishBlock(source),
  ];
}

function ledgerBlock(statements: readonly string[]): string {
  if (statements.length === 0)
    return [comment('Ledger: it is there, and of the newest version.'), ...requireLedger()].join('\n');
  return [
    comment('Ledger: the schema p2pfk. Locks nothing of the application.'),
    'BEGIN;',
    ...underCallersPath(
      statements.map((sql) => ({ sql })),
      { local: true },
    ),
    ...refuseLedger(),
    'COMMIT;',
  ].join('\n');
}

async function openingBlock({ client, reading, input, pairs, migrationId }: ScriptSource): Promise<string> {
  const { foreignKey } = reading;
  const { table: _table, constraint: _constraint, operation: _operation, dryRun: _dryRun, ...options } = input;
  const texts = await runOne(client, 'script/open-migration', {
    ...foreignKey,
    referenced_table: foreignKey.referencedTable,
    options,
    pairs,
  });
  return [
    comment(`Plan: opens migration ${migrationId} in the ledger, so that p2pfk verify, migrate and rollback know it.`),
    'BEGIN;',
    statement({ sql: texts.migration }),
    block(
      [
        'BEGIN',
        `  IF NOT EXISTS (SELECT FROM p2pfk.migration WHERE id = ${migrationId} AND table_oid = ${literal(foreignKey.table)}::regclass AND constraint_name = ${literal(foreignKey.constraint_name)}) THEN`,
        "    RAISE EXCEPTION 'another migration was begun since this script was made: make it anew with p2pfk plan --sql';",
        '  END IF;',
        'END',
      ].join('\n'),
    ),
    ...(texts.pairs === null ? [] : [statement({ sql: texts.pairs })]),
    "INSERT INTO p2pfk.event (migration_id, execution, step, sql) VALUES (:migration_id, :'execution', 'Plan', '-- run by psql from a script of p2pfk plan --sql, which has the statements');",
    'COMMIT;',
  ].join('\n');
}

async function indexBlocks({ client, reading, input, pairs }: ScriptSource): Promise<string[]> {
  const { foreignKey } = reading;
  const wanted = pairs.filter((pair) => !pair.has_index && !input.noIndexes);
  const leftovers = wanted.filter((pair) => pair.index_leftover);
  const drops = await statementsFor(client, 'statements/drop-index', { ...foreignKey, pairs: leftovers });
  const creates = await statementsFor(client, 'statements/create-index', { ...foreignKey, pairs: wanted });
  const blocks = wanted.map((pair) => {
    const statements = [drops.get(pair.pair), creates.get(pair.pair)].filter((one) => one !== undefined);
    return [
      title('BuildIndexes', pair.pair, pairs.length, 'alone, outside a transaction; it waits for older transactions'),
      `UPDATE p2pfk.pair SET index_added = true WHERE migration_id = :migration_id AND pair = ${pair.pair};`,
      `SELECT p2pfk.enter(:migration_id, :'execution') AS ignored \\gset`,
      'SET lock_timeout = 0;',
      ...underCallersPath(statements, { local: false }),
      `SET lock_timeout = ${input.lockTimeoutMs};`,
    ].join('\n');
  });
  const noted = "UPDATE p2pfk.pair SET state = 'indexed' WHERE migration_id = :migration_id AND state = 'planned';";
  return [...blocks, noted];
}

async function addBlocks(source: ScriptSource): Promise<string[]> {
  const { client, reading, input, pairs, guards } = source;
  const { foreignKey } = reading;
  const locks = await statementsFor(client, 'statements/lock-pair', { pairs });
  const adds = await statementsFor(client, 'statements/add-pair-foreign-key', {
    ...foreignKey,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
    pairs,
  });
  const budget = limits(input.lockTimeoutMs);
  return pairs.flatMap((pair) => {
    const number = pair.pair;
    const isThere = pair.constraint_oid !== null;
    const guard = guards.get(number);
    if (isThere && guard === undefined) return [];
    const ddl = [...(guard ? [guard] : []), ...(isThere ? [] : [required(adds, number)])];
    return [
      [
        title(
          'AddForeignKeys',
          number,
          pairs.length,
          'the guard first: from the foreign key on, its ON DELETE may act',
        ),
        ...transaction('enter', budget, [
          statement(required(locks, number)),
          `${lockedTablesGuard([pair.referencing_oid, pair.referenced_oid])};`,
          ...underCallersPath(ddl, { local: true }),
          ...(isThere ? [] : firingModes(source, pair)),
          `UPDATE p2pfk.pair SET state = 'added'${isThere ? '' : ', constraint_added = true'} WHERE migration_id = :migration_id AND pair = ${number};`,
        ]),
      ].join('\n'),
    ];
  });
}

/**
 * Lines that set firing modes. PostgreSQL numbers the triggers of a foreign key, so the statements can be written only when the
 * triggers exist.
 */
function firingModes({ reading }: ScriptSource, { pair }: { readonly pair: number }): string[] {
  if (reading.foreignKey.firing.length === 0) return [];
  return [
    comment('triggers that fire ALWAYS, as those of the parent foreign key; lock: SHARE ROW EXCLUSIVE, held already'),
    `SELECT jsonb_build_array(jsonb_build_object('pair', p.pair, 'constraint_oid', c.oid::bigint)) AS pairs, m.firing FROM p2pfk.pair p JOIN p2pfk.migration m ON m.id = p.migration_id JOIN pg_constraint c ON c.conrelid = p.referencing_oid AND c.conname = p.constraint_name WHERE p.migration_id = :migration_id AND p.pair = ${pair} \\gset`,
    ...asStatements(readSql('statements/copy-firing-modes')),
  ];
}

/** Lines that run the rows of a file of sql/statements/ as statements. */
export function asStatements(text: string): string[] {
  return ["\\set begin 'SELECT q.sql FROM ('", "\\set end ') q \\\\gexec'", text.trimEnd()];
}

async function validationBlocks({ client, pairs }: ScriptSource): Promise<string[]> {
  const wanted = pairs.filter((pair) => !pair.validated);
  const validations = await statementsFor(client, 'statements/validate-pair-foreign-key', { pairs: wanted });
  const rows = await run(client, 'statements/lock-validation', { pairs: wanted });
  const locks = new Map(rows.map((row) => [row.pair, row]));
  const blocks = wanted.map((one) => {
    const { pair, referencing: table, referencing_oid, referenced_oid } = one;
    const { constraint_oid: oid, constraint_name: name } = one;
    const constraint = { oid, name, relation_oid: referencing_oid, referenced_oid };
    return [
      title('ValidateForeignKeys', pair, pairs.length, 'reads both partitions; no reader and no writer waits'),
      ...transaction('enter', { lockMs: VALIDATION_LOCK_MS, statementMs: 0 }, [
        ...lockForValidation({ table, referencing_oid, referenced_oid }, required(locks, pair), constraint),
        ...underCallersPath([required(validations, pair)], { local: true }),
        `UPDATE p2pfk.pair SET state = 'validated' WHERE migration_id = :migration_id AND pair = ${pair};`,
      ]),
    ].join('\n');
  });
  const noted = "UPDATE p2pfk.pair SET state = 'validated' WHERE migration_id = :migration_id AND state = 'added';";
  return [...blocks, noted];
}

/** Blocks that count orphaned rows, which may exist in spite of a foreign key: before the drop, and after it. */
async function countBlocks({ client, reading, pairs }: ScriptSource, step: string): Promise<string[]> {
  const queries = await countQueries(client, pairs, reading.foreignKey.constraint_oid);
  if (queries.length === 0) return [];
  const counts = queries.map(({ pair, sql, lock_sql, code_lock_sql, referencing_oid, referenced_oid }) => {
    const found = pairs.find((one) => one.pair === pair);
    const [table, referenced] = [found?.referencing ?? '', found?.referenced ?? ''];
    const names = `${literal(printable(table))}, ${literal(printable(referenced))}`;
    return [
      title(step, pair, pairs.length, 'counts rows without a referenced row; no reader and no writer waits'),
      'BEGIN;',
      ...lockForCount({ table, referencing_oid, referenced_oid }, lock_sql, code_lock_sql),
      block(
        [
          'DECLARE',
          '  orphans bigint;',
          'BEGIN',
          `  orphans := (${sql});`,
          '  IF orphans > 0 THEN',
          `    RAISE EXCEPTION '% row(s) of % have no row in %', orphans, ${names};`,
          '  END IF;',
          'END',
        ].join('\n'),
      ),
      'COMMIT;',
    ].join('\n');
  });
  return [refuseKinds('view, foreign-table'), ...counts, refuseKinds('')];
}

/**
 * Lines that refuse views or foreign tables. A count can only name its tables, and their owner may have given a name to another
 * relation: core/postgres/tables-only.ts.
 */
function refuseKinds(kinds: string): string {
  return [`\\set kinds ${literal(kinds)}`, withoutFrame(readSql('checks/tables-only')).trimEnd(), '\\gset'].join('\n');
}

function gateBlock({ input, reading: { foreignKey } }: ScriptSource): string {
  return [
    comment(
      'VerifyGate: reads the catalog; then the plan of every lookup of a pair foreign key, none of which is executed',
    ),
    ...refuseUntrustedCode(foreignKey),
    readSql('script/gate').trimEnd(),
    readSql('script/pairs').trimEnd(),
    ...asRows(readSql('checks/delete-lookups')),
    '\\set lookups :result',
    "SELECT set_config('p2pfk.lookups', :'lookups', false) AS ignored \\gset",
    readSql('checks/explain-lookups').trimEnd(),
    ...asRows(readSql('checks/lookup-proofs')),
    '\\set proofs :result',
    "\\set outcome '{}'",
    `\\set no_indexes ${input.noIndexes}`,
    ...asRows(readSql('checks/delete-verdict')),
    readSql('script/judge-delete').trimEnd(),
  ].join('\n');
}

async function dropBlock(source: ScriptSource): Promise<string> {
  const { client, reading, input, pairs, finalNames } = source;
  const { foreignKey } = reading;
  const { sql, lock } = await runOne(client, 'statements/drop-parent-foreign-key', {
    ...foreignKey,
  });
  const parent = {
    oid: foreignKey.constraint_oid,
    name: foreignKey.constraint_name,
    relation_oid: foreignKey.referencing_oid,
    referenced_oid: foreignKey.referenced_oid,
  };
  const names = [...finalNames.values()];
  const ddl: LockedStatement[] = [{ sql, lock }];
  for (const name of names) for (const text of renameStatements(name)) ddl.push({ sql: text, lock: name.lock });
  const renamed = names.filter((name) => name.sql !== null);
  return [
    comment('DropParentForeignKey: the verified drop. All of it is rolled back where one of its checks fails'),
    ...transaction('enter', limits(input.lockTimeoutMs), [
      `${withoutFrame(readSql('ledger/hold-row')).trimEnd()} \\gset`,
      statement(await lockStatementOfTables(source)),
      `${lockedTablesGuard([
        foreignKey.referencing_oid,
        foreignKey.referenced_oid,
        ...pairs.flatMap((pair) => [pair.referencing_oid, pair.referenced_oid]),
      ])};`,
      `${constraintsGuard([parent])};`,
      comment('the gate again, under the locks'),
      readSql('script/gate').trimEnd(),
      `${withoutFrame(readSql('script/changed-triggers')).trimEnd()} \\gset`,
      "SELECT set_config('p2pfk.script_refusal', :'changed_triggers', true) AS ignored \\gset",
      readSql('script/refuse').trimEnd(),
      ...underCallersPath(ddl, { local: true }),
      ...renamed.map(
        (name) =>
          `UPDATE p2pfk.pair SET former_name = constraint_name, constraint_name = ${literal(name.constraint_name)} WHERE migration_id = :migration_id AND pair = ${name.pair};`,
      ),
      comment('what is there now'),
      readSql('script/gate').trimEnd(),
      readSql('script/after-drop').trimEnd(),
      ...probe(input.lockTimeoutMs),
      'UPDATE p2pfk.migration SET dropped_at = clock_timestamp(), updated_at = now() WHERE id = :migration_id;',
    ]),
  ].join('\n');
}

/** The statement that takes ACCESS EXCLUSIVE on both tables and all of their partitions, and waits for it. */
export async function lockStatementOfTables({ client, reading }: ScriptSource): Promise<LockedStatement> {
  const { sql, ways } = await runOne(client, 'statements/lock-tables', {
    ...reading.foreignKey,
  });
  const [waiting] = ways.find((way) => way.length === 1) ?? [];
  return { sql: waiting ?? sql, lock: 'ACCESS EXCLUSIVE on both tables and all partitions' };
}

/** Lines that delete ten rows of the largest pair and roll that back, where nothing but the pair is affected. */
function probe(budgetMs: number): string[] {
  const timeoutMs = Math.max(2, Math.ceil(budgetMs / 10));
  return [
    comment('the DELETE probe: ten rows of the largest pair, deleted in a subtransaction that is always rolled back'),
    '\\set all_pairs :pairs',
    "SELECT jsonb_build_array(:'all_pairs'::jsonb -> 0) AS pairs \\gset",
    "\\set constraint_oid ''",
    "\\set leaving_oid ''",
    '\\set rows 10',
    '\\set fan_out 100',
    ...asRows(readSql('checks/delete-probe')),
    "SELECT coalesce(r.probe -> 'obstacle' = 'null' AND r.probe -> 'filled' = 'true', false) AS probes,",
    "       set_config('p2pfk.delete_probe', coalesce(r.probe::text, '{}'), true) AS ignored FROM (SELECT :'result'::jsonb -> 0 AS probe) r \\gset",
    '\\if :probes',
    `SET LOCAL statement_timeout = ${timeoutMs};`,
    readSql('checks/delete-once').trimEnd(),
    `SET LOCAL statement_timeout = ${budgetMs};`,
    `SELECT current_setting('p2pfk.delete_probed')::jsonb || '{"timeout_ms": ${timeoutMs}}' AS outcome \\gset`,
    '\\endif',
    '\\set pairs :all_pairs',
    ...asRows(readSql('checks/delete-verdict')),
    readSql('script/judge-delete').trimEnd(),
  ];
}

function finishBlock({ reading }: ScriptSource): string {
  const { table } = reading.document;
  return [
    comment('VerifyMigration: the ledger is told that all is well; see it all with p2pfk verify'),
    readSql('script/gate').trimEnd(),
    "UPDATE p2pfk.migration SET state = 'migrated', finished_at = clock_timestamp(), updated_at = now() WHERE id = :migration_id AND state = 'paused' AND dropped_at IS NOT NULL;",
    `SELECT ${literal(`migrated: ${printable(table)}`)} AS p2pfk;`,
  ].join('\n');
}

function title(step: string, pair: number, of: number, why: string): string {
  return comment(`${step} [${pair}/${of}]: ${why}`);
}

function required<Text extends Statement>(texts: ReadonlyMap<number, Text>, pair: number): Text {
  const text = texts.get(pair);
  if (!text) throw new Error(`there is no statement for pair ${pair}`);
  return text;
}
