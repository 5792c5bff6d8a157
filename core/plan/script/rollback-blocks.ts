/**
 * The rollback as blocks of a psql script, from any point that the migration has reached: if the parent FK was dropped, it is
 * restored first, with the strategy that a rollback would choose, while the pair FKs still exist; then what the migration has
 * added is dropped.
 */
import { type Statement, statementFor, statementsFor } from '../../catalog/statements.ts';
import { lockedTablesGuard } from '../../postgres/locks/locked-tables.ts';
import { run, runOne } from '../../postgres/sql.ts';
import { readSql } from '../../postgres/sql-files.ts';
import { asStatements, lockStatementOfTables } from './forward-blocks.ts';
import { comment, type LockedStatement, limits, statement, transaction, underCallersPath } from './psql-text.ts';
import type { ScriptSource } from './script-source.ts';
import { lockForValidation, refuseUntrustedCode, requireLedger } from './trust.ts';

const VALIDATION_LOCK_MS = 10_000;

/** All blocks, in order. */
export async function rollbackBlocks(source: ScriptSource): Promise<string[]> {
  return [
    requireLedger().join('\n'),
    fenceBlock(),
    readSql('script/parent-stands').trimEnd(),
    '\\if :lost',
    ...(await freeNameBlocks(source)),
    ...(await restoreBlocks(source)),
    '\\endif',
    ...(await dropBlocks(source)),
    finishBlock(),
  ];
}

function fenceBlock(): string {
  return [
    comment('Fence: from here on no forward step of this migration runs. Locks nothing of the application'),
    'BEGIN;',
    "UPDATE p2pfk.migration SET state = 'rolling-back', fenced_at = coalesce(fenced_at, now()), execution = :'execution', updated_at = now()",
    " WHERE id = :migration_id AND state IN ('paused', 'migrated', 'rolling-back');",
    "SELECT p2pfk.enter_rollback(:migration_id, :'execution') AS ignored \\gset",
    'COMMIT;',
  ].join('\n');
}

/** Blocks that give pair FKs which have taken the parent FK's name their former names. */
async function freeNameBlocks({ client, reading, input, pairs, finalNames }: ScriptSource): Promise<string[]> {
  const { foreignKey } = reading;
  const renamed = pairs.filter(({ pair }) => finalNames.get(pair)?.sql);
  const former = renamed.map((pair) => ({
    ...pair,
    constraint_added: pair.constraint_oid === null,
    constraint_name: finalNames.get(pair.pair)?.constraint_name ?? '',
    former_name: pair.constraint_name,
  }));
  const locks = await statementsFor(client, 'statements/lock-pair-for-drop', { pairs: former });
  const renames = await statementsFor(client, 'statements/rename-pair-foreign-key-back', { pairs: former });
  const defers = await statementsFor(client, 'statements/defer-pair-foreign-key', {
    ...foreignKey,
    pairs: former.map((pair) => ({ ...pair, constraint_name: pair.former_name })),
  });
  return former.map(({ pair, referencing_oid, referenced_oid }) => {
    const ddl = [renames.get(pair), defers.get(pair)].filter((one) => one !== undefined);
    return [
      comment(`RestoreParent [${pair}/${pairs.length}]: the name of the parent foreign key becomes free`),
      ...transaction('enter_rollback', limits(input.lockTimeoutMs), [
        statement(locked(locks.get(pair))),
        `${lockedTablesGuard([referencing_oid, referenced_oid])};`,
        ...underCallersPath(ddl, { local: true }),
        `UPDATE p2pfk.pair SET constraint_name = former_name, former_name = NULL WHERE migration_id = :migration_id AND pair = ${pair};`,
      ]),
    ].join('\n');
  });
}

async function restoreBlocks(source: ScriptSource): Promise<string[]> {
  const { client, reading, input, pairs, texts } = source;
  const { foreignKey, document } = reading;
  const { referencing_oid: root_oid, referenced_oid, constraint_name } = foreignKey;
  const { strategy: forecast, writesBlockedMs } = document.estimate.rollback;
  const strategy = forecast === 'blocking' && !input.allowBlockingRollback ? 'attach' : forecast;
  const named = pairs.filter(({ root_constraint: name }) => name !== null && name !== foreignKey.constraint_name);
  const leaves = await statementsFor(client, 'statements/add-leaf-foreign-key', { ...foreignKey, pairs });
  const rows = await run(client, 'statements/lock-validation', {
    pairs: [
      { pair: 0, referencing_oid: root_oid, referenced_oid },
      ...pairs.map(({ pair, referencing_oid }) => ({ pair, referencing_oid, referenced_oid })),
    ],
  });
  const validation = new Map(rows.map((row) => [row.pair, row]));
  const lockLeaf = await statementsFor(client, 'statements/lock-leaf', { ...foreignKey, pairs });
  const blocks: string[] = [];
  // With the whole referenced table: a partition that comes back as a leaf references all of it.
  const trust = refuseUntrustedCode(foreignKey);
  if (strategy === 'attach') {
    for (const { pair, referencing, referencing_oid, root_constraint } of pairs) {
      blocks.push(
        [
          comment(
            `RestoreParent [${pair}/${pairs.length}]: the partition is covered as a leaf first, without a look at its rows`,
          ),
          ...transaction('enter_rollback', limits(input.lockTimeoutMs), [
            statement(locked(lockLeaf.get(pair))),
            `${lockedTablesGuard([referencing_oid, referenced_oid])};`,
            ...underCallersPath([locked(leaves.get(pair))], { local: true }),
          ]),
        ].join('\n'),
        [
          comment(`RestoreParent [${pair}/${pairs.length}]: reads the rows; no reader and no writer waits`),
          ...transaction('enter_rollback', { lockMs: VALIDATION_LOCK_MS, statementMs: 0 }, [
            ...lockForValidation(
              { table: referencing, referencing_oid, referenced_oid },
              locked(validation.get(pair)),
              { oid: null, name: root_constraint ?? constraint_name, relation_oid: referencing_oid, referenced_oid },
            ),
            ...underCallersPath([{ sql: texts.get(pair)?.validate_leaf ?? '' }], { local: true }),
          ]),
        ].join('\n'),
      );
    }
  }
  const file = strategy === 'not-valid' ? 'add-parent-foreign-key-not-valid' : 'add-parent-foreign-key';
  const exclusive = strategy === 'attach' || (strategy === 'not-valid' && named.length > 0);
  const ddl: LockedStatement[] = [
    ...(strategy === 'not-valid' ? named.map(({ pair }) => locked(leaves.get(pair))) : []),
    await runOne(client, `statements/${file}`, { ...foreignKey }),
    ...(foreignKey.comment === null ? [] : await run(client, 'statements/comment-foreign-key', { ...foreignKey })),
  ];
  const lock = exclusive
    ? await lockStatementOfTables(source)
    : await runOne(client, 'statements/lock-tables-for-attach', { ...foreignKey });
  // As core/steps/rollback/attach-parent.ts: longer than the budget only where the plan has announced it.
  const longMs = writesBlockedMs > input.lockTimeoutMs ? writesBlockedMs * 10 : input.lockTimeoutMs;
  const budget = strategy === 'blocking' ? {} : { budgetMs: longMs };
  const statementMs = strategy === 'blocking' ? 0 : longMs;
  blocks.push(
    [
      comment(`AttachParent: the parent foreign key comes back, word for word (${strategy})`),
      // Not under locks that block readers or writers, if these are held only for the DDL.
      ...(strategy === 'blocking' ? [] : trust),
      ...transaction('enter_rollback', { lockMs: input.lockTimeoutMs, statementMs: input.lockTimeoutMs, ...budget }, [
        statement(lock),
        `${lockedTablesGuard([root_oid, referenced_oid])};`,
        `SET LOCAL statement_timeout = ${statementMs};`,
        ...(strategy === 'blocking' ? trust : []),
        ...underCallersPath(ddl, { local: true }),
        ...firingModes(source),
      ]),
    ].join('\n'),
  );
  if (strategy === 'not-valid') {
    const sql = texts.values().next().value?.validate_parent ?? '';
    blocks.push(
      [
        comment('AttachParent: reads the rows; no reader and no writer waits'),
        ...transaction('enter_rollback', { lockMs: VALIDATION_LOCK_MS, statementMs: 0 }, [
          ...lockForValidation(foreignKey, locked(validation.get(0)), {
            oid: null,
            name: constraint_name,
            relation_oid: root_oid,
            referenced_oid,
          }),
          ...underCallersPath([{ sql }], { local: true }),
        ]),
      ].join('\n'),
    );
  }
  return [...blocks, 'UPDATE p2pfk.migration SET dropped_at = NULL WHERE id = :migration_id;'];
}

/** As in forward-blocks.ts: the numbers of the triggers are not known before. */
function firingModes({ reading }: ScriptSource): string[] {
  if (reading.foreignKey.firing.length === 0) return [];
  return [
    comment('triggers that fired ALWAYS do so again'),
    'SELECT m.firing, m.constraint_name, m.table_oid AS referencing_oid, m.referenced_oid, m.definition FROM p2pfk.migration m WHERE m.id = :migration_id \\gset',
    ...asStatements(readSql('statements/restore-firing-modes')),
  ];
}

async function dropBlocks({ client, input, pairs, guards, texts }: ScriptSource): Promise<string[]> {
  const blocks: string[] = [];
  // A leaf in several pairs is guarded until the last of them is dropped.
  const lastWithLeaf = new Map(pairs.map((pair) => [pair.referenced_oid, pair.pair]));
  const dropGuards = new Map([...guards.values()].map((guard) => [lastWithLeaf.get(guard.oid), guard.drop_sql]));
  for (const pair of pairs) {
    const text = texts.get(pair.pair);
    const lock = await statementFor(client, pair, 'statements/lock-pair-for-drop', { pairs: [pair] });
    const guard = dropGuards.get(pair.pair);
    const ddl: LockedStatement[] = [
      ...(pair.constraint_oid === null
        ? [{ sql: text?.drop_constraint ?? '', lock: 'ACCESS EXCLUSIVE on the two partitions of the pair' }]
        : []),
      ...(guard === undefined
        ? []
        : [
            {
              sql: guard.replace(/^DROP TRIGGER /, 'DROP TRIGGER IF EXISTS '),
              lock: 'ACCESS EXCLUSIVE on the referenced partition',
            },
          ]),
    ];
    const ofPair = `migration_id = :migration_id AND pair = ${pair.pair}`;
    const dropsIndex = !pair.has_index && !input.noIndexes && !input.keepIndexes;
    blocks.push(
      [
        comment(`DropPairForeignKeys [${pair.pair}/${pairs.length}]: only while the parent foreign key is there`),
        ...(ddl.length === 0
          ? []
          : transaction('enter_rollback', limits(input.lockTimeoutMs), [
              statement({ sql: lock.sql, lock: lock.lock }),
              `${lockedTablesGuard([pair.referencing_oid, pair.referenced_oid])};`,
              readSql('script/require-parent').trimEnd(),
              ...underCallersPath(ddl, { local: true }),
            ])),
        ...(dropsIndex
          ? [
              'SET lock_timeout = 0;',
              ...underCallersPath(
                [{ sql: text?.drop_index ?? '', lock: 'SHARE UPDATE EXCLUSIVE on the referencing partition' }],
                { local: false },
              ),
              `SET lock_timeout = ${input.lockTimeoutMs};`,
            ]
          : []),
        `UPDATE p2pfk.pair SET state = 'rolled-back', constraint_added = false${dropsIndex ? ', index_added = false' : ''} WHERE ${ofPair};`,
      ].join('\n'),
    );
  }
  return blocks;
}

function finishBlock(): string {
  return [
    comment('VerifyRolledBack'),
    readSql('script/require-parent').trimEnd(),
    "UPDATE p2pfk.migration SET state = 'rolled-back', finished_at = clock_timestamp(), updated_at = now() WHERE id = :migration_id;",
    "SELECT 'rolled back' AS p2pfk;",
  ].join('\n');
}

function locked<Text extends Statement>(text: Text | undefined): Text {
  if (!text) throw new Error('one of the statements of the way back could not be written');
  return text;
}
