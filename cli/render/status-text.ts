/** A migration as the ledger knows it, for a person. Pure. */
import type { PairState } from '../../core/contracts/documents.ts';
import type { Pace } from '../../core/contracts/pace.ts';
import type { ApprovalStatus, MigrationStatus, Owner, PairStatus, TableStatus } from '../../core/ledger/status.ts';
import { AS_STATED } from '../../report/words.ts';
import type { Next } from '../status/next.ts';
import { executionInWords, grouped, oneLine, plural, roughly, visible, withoutSchemaOf } from '../text.ts';
import { columns } from './columns.ts';
import { paceInWords } from './pace-text.ts';

/** Of the pairs that are not done; `--json` has all. */
const MOST_PAIRS = 20;

export interface StatusLinesOptions {
  /** Without the list of pairs. */
  readonly quiet: boolean;
  /** Whether the store of this machine has the execution; null: not known. */
  readonly isHere: boolean | null;
}

export function statusLines(
  migration: MigrationStatus,
  { pairs }: Pick<TableStatus, 'pairs'>,
  next: readonly Next[],
  { quiet, isHere }: StatusLinesOptions,
): string[] {
  return [
    `Table        ${migration.table} → ${migration.referencedTable}`,
    `Constraint   ${migration.constraint}`,
    `State        ${stateInWords(migration)} since ${migration.since}${reasonOf(migration)}`,
    `Migration    ${migration.id}, started at ${migration.startedAt} ${byWhom(migration)}`,
    `Took         ${roughly(migration.tookMs)}${migration.owner === null ? '' : migration.owner.life === 'dead' ? ' since its start' : ' so far'}`,
    `Execution    ${executionLine(migration, isHere)}`,
    ...runningLines(migration),
    ...paceLine(migration.pace),
    ...approvalLines(migration.approval),
    `Pairs        ${pairsInWords(migration)}`,
    ...(quiet ? [] : pairLines(migration, pairs)),
    ...nextLines(next),
  ];
}

export function stateInWords({ state, dropped, owner }: Pick<MigrationStatus, 'state' | 'dropped' | 'owner'>): string {
  // The ledger goes on to say what the execution was doing when it died.
  if (owner?.life === 'dead')
    return `interrupted (${state === 'rolling-back' ? 'rolling back' : 'migrating'}${dropped ? ', the parent-level foreign key is dropped' : ''}, its execution is dead)`;
  switch (state) {
    case 'rolling-back':
      return 'rolling back';
    case 'rolled-back':
      return 'rolled back';
    case 'running':
    case 'paused':
      return dropped ? `${state} (the parent-level foreign key is dropped)` : state;
    case 'migrated':
      return state;
  }
}

function reasonOf({ error }: MigrationStatus): string {
  return error === null ? '' : `; ${error.name}: ${oneLine(error.message)}`;
}

function byWhom({ startedBy, role, reason }: MigrationStatus): string {
  const person = startedBy === null ? '' : `by ${startedBy} (${AS_STATED}), `;
  return `${person}${person === '' ? 'by ' : ''}role ${role}${reason === null ? '' : `: ${oneLine(reason)}`}`;
}

function executionLine({ execution, owner }: MigrationStatus, isHere: boolean | null): string {
  return owner === null
    ? `none is at work; the last one was ${executionInWords(execution)}`
    : `${executionInWords(execution)}, ${ownerInWords(owner, isHere)}`;
}

/** `alive on this machine since ...`. */
function ownerInWords(owner: Owner, isHere: boolean | null): string {
  const { life, since, user, address, leaseUntil } = owner;
  const place = placeInWords(owner, isHere);
  switch (life) {
    case 'dead':
      return `dead: no session of it is left to direct the work (it ran ${place})`;
    case 'unknown':
      return `which ran ${place}; whether it lives cannot be seen from here: a standby, or a ledger of an older version, does not show it`;
    case 'alive': {
      if (leaseUntil !== null) return `alive ${place}: between two steps, and counted as alive until ${leaseUntil}`;
      const login = user === null ? '' : `, as ${user}${address === null ? '' : ` from ${address}`}`;
      return `alive ${place}${since === null ? '' : `, its session since ${since}`}${login}`;
    }
  }
}

function placeInWords({ place, execution }: Owner, isHere: boolean | null): string {
  switch (place) {
    case 'aws':
      return `in AWS (${/^arn:aws[\w-]*:states:([a-z0-9-]+):/.exec(execution)?.[1] ?? 'region unknown'})`;
    case 'reconciliation':
      return "in AWS, by the stack's reconciliation";
    case 'psql':
      return 'by a script of psql';
    case 'local':
      return isHere === false ? 'on another machine, or with another --state-dir' : 'on this machine';
  }
}

/** Of a dead execution it matters what is left of it, and how to end it; one that is alive directs its statements itself. */
function runningLines({ owner, state, statements, table }: MigrationStatus): string[] {
  if (statements.length === 0 || owner?.life === 'alive') return [];
  const one = statements.length === 1;
  const which = statements.map(
    ({ pid, statement, relation, since }) =>
      `  pid ${pid}: ${statement} of ${visible(withoutSchemaOf(table, relation))} since ${since}; this ends it: SELECT pg_cancel_backend(${pid});`,
  );
  const then =
    state === 'rolling-back' ? 'the rollback ends it first' : 'the next run waits for it and uses what it made';
  return [
    `Still runs   in the server without its client, ${plural(statements.length, 'statement')}: ${one ? 'it goes on to its end' : 'each goes on to its end'}, and ${then}`,
    ...which,
  ];
}

function paceLine(pace: Pace | null): string[] {
  const words = pace === null ? null : paceInWords(pace);
  return words === null ? [] : [`Pace         ${words}`];
}

function approvalLines(approval: ApprovalStatus | null): string[] {
  if (approval === null) return [];
  const { state, askedAt, until, approvedAt, approvedBy, problem } = approval;
  switch (state) {
    case 'approved':
      return [`Approval     approved by ${approvedBy ?? 'an unknown person'} (${AS_STATED}) at ${approvedAt}`];
    case 'not-asked':
      return ['Approval     needed before the drop; it is asked for when the drop is next'];
    case 'awaited':
    case 'void': {
      const asked = askedAt === null ? '' : ` since ${askedAt}`;
      const limit = until === null ? '' : `, until ${until}; then the execution pauses`;
      const why = state === 'void' && problem !== null ? `; ${oneLine(problem)}` : '';
      return [`Approval     awaited${asked}${limit}${why}`];
    }
  }
}

/** In the order in which a pair gets there. */
const STATES: readonly PairState[] = ['planned', 'indexed', 'added', 'validated', 'restored', 'rolled-back'];

/** `17: 12 validated, 5 added`. */
export function pairsInWords({ pairs: { total, byState } }: Pick<MigrationStatus, 'pairs'>): string {
  const counts = STATES.toReversed().flatMap((state) => {
    const count = byState[state] ?? 0;
    return count === 0 ? [] : [`${count} ${state === 'rolled-back' ? 'rolled back' : state}`];
  });
  return total === 0 ? 'none' : `${total}: ${counts.join(', ')}`;
}

/** Those that are not done yet. An error of one that is valid by now is over: `--json` has it. */
function pairLines({ state, table }: MigrationStatus, pairs: readonly PairStatus[]): string[] {
  if (state === 'migrated' || state === 'rolled-back') return [];
  const open = pairs.filter((pair) => pair.state !== 'validated');
  if (open.length === 0) return [];
  const short = (name: string): string => visible(withoutSchemaOf(table, name));
  const rows = columns(open.slice(0, MOST_PAIRS), [
    { title: 'pair', cell: ({ pair }) => String(pair), align: 'right' },
    { title: 'referencing', cell: ({ referencing }) => short(referencing) },
    { title: 'referenced', cell: ({ referenced }) => short(referenced) },
    { title: 'rows', cell: (pair) => grouped(Math.max(0, pair.rows)), align: 'right' },
    { title: 'state', cell: (pair) => pair.state },
    { title: 'last error', cell: ({ lastError }) => visible(oneLine(lastError ?? '')) },
  ]);
  const more = open.length - MOST_PAIRS;
  return [...rows, ...(more > 0 ? [`  … and ${plural(more, 'pair')} more: --json has all`] : [])];
}

function nextLines(next: readonly Next[]): string[] {
  return next.flatMap(({ why, command }, index) => {
    const head = `${index === 0 ? 'Next        ' : '            '} ${why}`;
    return command === null ? [head] : [`${head}:`, `  ${command}`];
  });
}
