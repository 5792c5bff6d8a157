/** Migrations and executions as `p2pfk list` prints them, a line each. Pure. */
import type { MigrationStatus } from '../../core/ledger/status.ts';
import type { KnownExecution } from '../executions/known.ts';
import type { Next } from '../status/next.ts';
import { oneLine, roughly, visible, withoutSchemaOf } from '../text.ts';
import { cut } from '../width.ts';
import { type Column, columns } from './columns.ts';
import { pairsInWords, stateInWords } from './status-text.ts';

export type ListedMigration = MigrationStatus & { readonly next: readonly Next[] };
type ListedExecution = KnownExecution & { readonly next: readonly Next[] };

/** Identities of AWS are long, and the command at the end of the line counts more. */
const WIDEST_PERSON = 32;

/** @param absent one line where there is nothing to list: why */
export function migrationLines(migrations: readonly ListedMigration[], absent: string | null): string[] {
  if (migrations.length === 0) return [`Migrations   ${absent ?? 'none'}`];
  return [
    'Migrations, newest first',
    ...columns(migrations, [
      { title: 'id', cell: ({ id }) => id, align: 'right' },
      { title: 'state', cell: (one) => `${stateInWords({ ...one, dropped: false })}${lifeOf(one)}` },
      { title: 'table', cell: ({ table }) => visible(withoutPublic(table)) },
      { title: 'constraint', cell: ({ constraint }) => visible(constraint) },
      { title: 'since', cell: ({ since }) => since },
      { title: 'by', cell: ({ startedBy, role }) => person(startedBy ?? role) },
      { title: 'took', cell: ({ tookMs }) => roughly(tookMs), align: 'right' },
      { title: 'pairs', cell: pairsInWords },
      next(),
    ]),
  ];
}

function lifeOf({ owner, approval, pace }: ListedMigration): string {
  if (owner === null) return '';
  if (owner.life === 'alive' && pace?.hold)
    return `, held by ${person(pace.hold.by)} since ${pace.hold.at.replace(/\.\d+/, '')}`;
  if (owner.life === 'alive' && (approval?.state === 'awaited' || approval?.state === 'void'))
    return ', waits for approval';
  // Of a dead one the state says it.
  return owner.life === 'unknown' ? ', not known whether it lives' : '';
}

export function executionLines(executions: readonly ListedExecution[], ofOneDatabase: boolean): string[] {
  if (executions.length === 0) return ['Executions   none'];
  return [
    'Executions, newest first',
    ...columns(executions, [
      { title: 'outcome', cell: ({ outcome }) => visible(outcome.toLowerCase().replaceAll('_', ' ')) },
      {
        title: 'where',
        cell: ({ executionArn }) => (executionArn.startsWith('arn:aws:states:local:') ? 'here' : 'AWS'),
      },
      { title: 'operation', cell: ({ operation }) => operation },
      { title: 'table', cell: ({ table }) => visible(withoutPublic(table)) },
      { title: 'constraint', cell: ({ constraint }) => visible(constraint ?? '') },
      ...(ofOneDatabase ? [] : [database()]),
      { title: 'began', cell: ({ startedAt }) => startedAt?.replace(/\.\d+/, '') ?? 'not known' },
      { title: 'by', cell: ({ startedBy }) => person(startedBy ?? '') },
      { title: 'took', cell: ({ tookMs }) => (tookMs === null ? '' : roughly(Math.max(0, tookMs))), align: 'right' },
      next(),
    ]),
  ];
}

function database(): Column<ListedExecution> {
  return {
    title: 'database',
    cell: (one) =>
      one.database === null ? 'not recorded' : visible(`${one.database.database} at ${one.database.endpoint}`),
  };
}

function next<Row extends ListedMigration | ListedExecution>(): Column<Row> {
  return { title: 'next', cell: ({ next: [first] }) => visible(first?.command ?? first?.why ?? '') };
}

function person(name: string): string {
  return cut(visible(oneLine(name)), WIDEST_PERSON);
}

function withoutPublic(table: string): string {
  return withoutSchemaOf('public.x', table);
}
