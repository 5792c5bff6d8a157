/**
 * The repairs of an audit as a script for psql, which a DBA reads and runs by hand: the same statements as `audit --fix --run`,
 * with lock waits limited in the same way, and with the same checks before rows are read.
 */

import { comment, RESTORE_SETTINGS, underCallersPath, withinBudget } from '../plan/script/psql-text.ts';
import {
  lockForValidation,
  type NamedTable,
  refuseCodeOfThirdTables,
  refuseOtherTables,
  refuseUntrustedCode,
  requireLedgerOfAnyVersion,
  trustBlock,
} from '../plan/script/trust.ts';
import { lockedTablesGuard } from '../postgres/locks/locked-tables.ts';
import { constraintsGuard } from '../postgres/locks/named-constraints.ts';
import { readSql } from '../postgres/sql-files.ts';
import type { Drift, NamedTables, RepairStep } from './drift.ts';
import { type Audited, counts } from './find-drift.ts';

/** As in core/steps/validation.ts: a request for SHARE UPDATE EXCLUSIVE that waits blocks no reader and no writer. */
const VALIDATION_LOCK = '10s';

/** @param lockTimeoutMs longest wait for each lock, in milliseconds */
export function repairScript(audited: readonly Audited[], lockTimeoutMs: number): string {
  const drift = audited.flatMap((one) => one.drift.filter(counts));
  const steps = drift.flatMap(stepsOf);
  const blocks = drift.map((item, index) =>
    [
      comment(`${index + 1}/${drift.length} ${item.finding.id}: ${item.finding.message}`),
      ...(item.needsAcceptance
        ? [comment(`needs acceptance, and p2pfk itself: ${item.finding.remedy}`)]
        : item.steps.length === 0
          ? [comment(`needs a person: ${item.finding.remedy}`)]
          : item.steps.flatMap((step) => stepLines(step, lockTimeoutMs))),
    ].join('\n'),
  );
  const parts = [
    head(drift.length),
    ...(steps.length > 0 ? questions(audited, steps) : []),
    ...blocks,
    ...(steps.some(({ kind }) => kind === 'locked' || kind === 'validate') ? [WAIT_FOR_STANDBY] : []),
    ...(steps.length > 0 ? [RESTORE_SETTINGS] : []),
  ];
  return `${parts.join('\n\n')}\n`;
}

function head(findings: number): string {
  return [
    '\\set ON_ERROR_STOP on',
    comment(
      `p2pfk audit: ${findings} finding${findings === 1 ? '' : 's'}. Run it with psql, outside a transaction; p2pfk audit --fix --run`,
    ),
    comment(
      'does the same, tries locks again that it did not get, and tells the ledger. With -v ledger_owner=ROLE where',
    ),
    comment('another role owns the ledger, schema p2pfk, than the one that runs this.'),
  ].join('\n');
}

function stepsOf({ needsAcceptance, steps }: Drift): readonly RepairStep[] {
  return needsAcceptance ? [] : steps;
}

/** Checks before the first statement. The audit has made them too, but as the role of the audit, and at that time. */
function questions(audited: readonly Audited[], steps: readonly RepairStep[]): string[] {
  const ledger = steps.some(usesLedger);
  const thirdTables = steps.some((step) => step.kind === 'locked' && step.attaches !== undefined);
  const read = audited.flatMap(({ subject, drift }): NamedTables[] =>
    subject && drift.some((item) => counts(item) && stepsOf(item).length > 0) ? [subject.foreignKey] : [],
  );
  return [
    readSql('script/head').trimEnd(),
    trustBlock({ ledger, thirdTables, next: 'p2pfk audit --fix prints a script of what is left to be done' }),
    ...(ledger
      ? [[comment('The ledger is there, and as its version has it'), ...requireLedgerOfAnyVersion()].join('\n')]
      : []),
    ...(read.length > 0
      ? [
          [
            comment('Code of others that reading the tables and comparing their keys would run'),
            ...refuseOtherTables(
              namesOf([...read, ...steps.flatMap((step) => (step.kind === 'validate' ? [step.reads] : []))]),
              'p2pfk audit --fix',
            ),
            ...read.flatMap((tables) => refuseUntrustedCode(tables)),
          ].join('\n'),
        ]
      : []),
  ];
}

function namesOf(tables: readonly NamedTables[]): NamedTable[] {
  return tables.flatMap(({ table, referencing_oid, referencedTable, referenced_oid }) => [
    { name: table, oid: referencing_oid },
    { name: referencedTable, oid: referenced_oid },
  ]);
}

/** A row-movement guard calls a function of the ledger. */
function usesLedger(step: RepairStep): boolean {
  return step.kind === 'ledger' || (step.kind === 'locked' && step.sql.some((sql) => sql.includes('p2pfk.')));
}

const WAIT_FOR_STANDBY = [
  comment('The transactions above do not wait for a synchronous standby, because they hold locks. This one does.'),
  "SELECT pg_catalog.pg_logical_emit_message(true, 'p2pfk', '') AS ignored \\gset",
].join('\n');

function stepLines(step: RepairStep, lockTimeoutMs: number): string[] {
  const ended = (sql: string): string => `${sql};`;
  switch (step.kind) {
    case 'locked': {
      const { attaches } = step;
      // Those before the first strong lock stop no reader and no writer.
      const strong = step.locks.findIndex(({ mode }) => mode !== 'SHARE UPDATE EXCLUSIVE');
      const nonBlocking = strong < 0 ? step.locks : step.locks.slice(0, strong);
      const work = [
        ...step.locks.slice(nonBlocking.length).map(({ sql }) => ended(sql)),
        `${lockedTablesGuard(step.locks.flatMap(({ named, relations }) => named ?? relations))};`,
        `${constraintsGuard(step.constraints ?? [])};`,
        ...(attaches
          ? [
              ...refuseUntrustedCode(attaches.reads),
              ...refuseCodeOfThirdTables([
                attaches.parents.referencing_parent_oid,
                attaches.parents.referenced_parent_oid,
              ]),
            ]
          : []),
        ...underCallersPath(statements(step.printed ?? step.sql), { local: true }),
      ];
      return transaction(`${lockTimeoutMs}ms`, [
        ...nonBlocking.map(({ sql }) => ended(sql)),
        ...(strong < 0
          ? work
          : [`SET LOCAL statement_timeout = ${lockTimeoutMs};`, ...withinBudget(lockTimeoutMs, work)]),
      ]);
    }
    case 'concurrently':
      return ['SET lock_timeout = 0;', ...underCallersPath(statements([step.sql]), { local: false })];
    case 'validate':
      return transaction(VALIDATION_LOCK, [
        ...lockForValidation(step.reads, step.lock, step.constraint),
        ...underCallersPath(statements([step.sql]), { local: true }),
      ]);
    case 'ledger':
      return underCallersPath(statements([step.sql]), { local: false });
    case 'adopt':
      return [];
  }
}

function statements(texts: readonly string[]): { readonly sql: string }[] {
  return texts.map((sql) => ({ sql }));
}

function transaction(lockTimeout: string, lines: readonly string[]): string[] {
  return [
    'BEGIN;',
    // A COMMIT that waits for a synchronous standby would keep the locks meanwhile.
    'SET LOCAL synchronous_commit = local;',
    `SET LOCAL lock_timeout = '${lockTimeout}';`,
    ...lines,
    'COMMIT;',
  ];
}
