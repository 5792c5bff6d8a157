/** The wording of progress: every line that a person reads on the way. Pure; marks are coloured by the output. */

import { boundInWords } from '../../core/contracts/blocked.ts';
import type { NamedError } from '../../core/contracts/cause.ts';
import { linesOf } from '../../core/contracts/check-lines.ts';
import type { Check, CheckId, RollbackStrategy } from '../../core/contracts/documents.ts';
import { lockTriesOf, nextTryWithinSeconds } from '../../core/contracts/lock-tries.ts';
import { ledgerStepOf, Steps, stepNames, stepOfState } from '../../core/contracts/steps/catalogue.ts';
import type { FenceResult, PairResult, PlanResult } from '../../core/contracts/steps/results.ts';
import {
  clock,
  definitionWithoutSchemaOf,
  oneLine,
  plural,
  sentence,
  shellWord,
  timeOfDay,
  withoutSchemaOf,
} from '../text.ts';
import { padEnd } from '../width.ts';

export { withoutSchemaOf as shortName } from '../text.ts';

export function planned(plan: PlanResult): string[] {
  const tables = `${withoutSchemaOf(plan.table, plan.table)} → ${withoutSchemaOf(plan.table, plan.referencedTable)}`;
  const pairs = plural(plan.pairCount ?? plan.pairs.length, 'pair');
  switch (plan.status) {
    case 'PLANNED':
      return [
        `${plan.resumed === true ? 'Going on with the migration of' : 'Migrating'} ${tables}: ${pairs}, parent-level FK ${plan.constraint}`,
      ];
    case 'ROLLBACK_REQUESTED':
      return [`Rolling back ${tables}: ${pairs}, parent-level FK ${plan.constraint}`];
    default:
      return [];
  }
}

export function pairDone(state: string, count: number, total: number, result: PairResult): string[] {
  const { referencing, referenced, object, status } = result;
  const there = status === 'SKIPPED';
  const took = `in ${clock(result.durationMs)}`;
  const head = `[${count}/${total}] ✓`;
  switch (state) {
    case 'BuildIndex':
      if (object === '') return [`${head} No index on ${referencing}, as wanted`];
      return [
        `${head} ${there ? `Index on ${referencing} is there: ${object}` : `Built index ${object} on ${referencing} ${took}`}`,
      ];
    case 'AddForeignKey':
      return [`${head} ${there ? 'FK is there' : 'Added NOT VALID FK'} for partition: ${referencing} → ${referenced}`];
    case 'ValidateForeignKey':
      return [
        `${head} ${there ? `FK for ${referencing} is valid already` : `Validated FK for ${referencing} (${result.rows} rows) ${took}`}`,
      ];
    case 'CountPair':
      return [
        `${head} ${there ? `${referencing} needs no count any more` : `Counted the orphans of ${referencing} (${result.rows} rows) ${took}`}`,
      ];
    case 'RestoreParentForPair':
      return [
        `${head} ${there ? 'Parent covers partition already' : `Parent covers partition again: ${referencing} ${took}`}`,
      ];
    default:
      return [`${head} ${stepOfState(state)?.label ?? state}: ${referencing} ${there ? '(was there already)' : took}`];
  }
}

/** What closes a stage over all pairs; `object` is its last result's. */
export function stageDone(state: string, total: number, skipped: number, object?: string): string[] {
  const there = skipped === 0 ? '' : ` (${skipped} were there already)`;
  switch (state) {
    case 'BuildIndex':
      if (object === '') return ['No index was built, as wanted: a DELETE scans each partition that has none'];
      return skipped === total
        ? [`All ${total} referencing partitions have an index on the FK columns`]
        : [`Successfully built ${plural(total - skipped, 'index', 'indexes')}${there}`];
    case 'AddForeignKey':
      return [`Successfully added ${total - skipped} partition-level FK constraints${there}`];
    case 'ValidateForeignKey':
      return [
        `Successfully validated ${total - skipped} partition-level FK constraints${skipped === 0 ? '' : ` (${skipped} were valid already)`}`,
        '✓ No FK violations found - all data is valid',
      ];
    default:
      return [];
  }
}

/** When a step that was held back is asked for again, and where. */
export interface LooksAgain {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly table: string;
  readonly place: string;
}

/** Told once for as long as it is held back; which pairs wait, the live area shows. */
export function heldBack(reason: string, again: LooksAgain): string[] {
  return [`‖ Held back: ${oneLine(reason)}`, `  ${whatNext(reason, again)}`];
}

/** What goes on by itself, when, and what a person may do. */
function whatNext(reason: string, { at, table, place }: LooksAgain): string {
  const here = `--table ${shellWord(table)}${place}`;
  const looks = `p2pfk looks again by itself, first at ${timeOfDay(at)}`;
  const pid = /^waits for pid (\d+) /.exec(reason)?.[1];
  if (pid !== undefined)
    return `The statement waits until that session ends its transaction, however long that takes; ${looks}; this ends the session: SELECT pg_terminate_backend(${pid}); p2pfk stop, or a --deadline, pauses the migration`;
  if (reason.startsWith('waits for a prepared transaction'))
    return `The statement waits until COMMIT PREPARED or ROLLBACK PREPARED, however long that takes; ${looks}`;
  if (reason.startsWith('held ')) return `p2pfk resume ${here} lets it go on; after 24 hours it pauses; ${looks}`;
  if (/the limit that was set/.test(reason)) return `${looks}; p2pfk throttle ${here} raises the limit`;
  return `${looks}, and goes on once that is over, however long that takes; p2pfk stop, or a --deadline, pauses the migration`;
}

/**
 * The reason of a failed gate follows with the line that opens the rollback branch, that of a time-out with the pause.
 *
 * @param before what the gate said the last time in this execution, empty at first
 */
export function gate(
  { status, pairs, reason }: { readonly status: string; readonly pairs: number; readonly reason: string },
  before: string,
  table: string,
  place: string,
): string[] {
  const passed = `✓ Preflight check passed: All ${pairs} partition-level FKs are VALID`;
  switch (status) {
    case 'PASSED':
      return before === 'AWAITING_APPROVAL' ? ['✓ Approved', passed] : [passed];
    case 'FAILED':
      return ['✗ Preflight check failed: the parent-level FK stays'];
    case 'REHEARSED':
      return [passed, `✓ ${sentence(reason)}`];
    case 'AWAITING_APPROVAL':
      if (before === status) return [];
      return [`‖ Waiting for approval: ${withoutApproveHint(reason)}`, `  ${approveCommand(table, place)}`];
    case 'HELD':
      return before === status ? [] : [`‖ Held before the drop: ${oneLine(reason)}`];
    default:
      return [];
  }
}

/** The steps name the command to whoever reads the ledger or the history; here it has a line of its own. */
export function withoutApproveHint(reason: string): string {
  return oneLine(reason).replace(/; approve with: p2pfk approve .*$/, '');
}

export function approveCommand(table: string, place: string): string {
  return `p2pfk approve --table ${shellWord(table)}${place}`;
}

export function dropped(status: string, constraint: string, lockedMs: number): string[] {
  if (status === 'SKIPPED') return ['✓ Parent-level FK constraint was dropped before'];
  return [
    `Found parent-level FK constraint: ${constraint}`,
    '✓ Successfully dropped parent-level FK constraint',
    `  exclusive locks held for at most ${boundInWords(lockedMs)}`,
  ];
}

/** The message of a LockTimeout names who holds the lock. */
export function retrying(state: string, subject: string | null, attempt: number, failure: NamedError): string[] {
  const noun = isRehearsal(state, failure) ? 'rehearsal of the drop' : (stepOfState(state)?.noun ?? state);
  const what = subject === null ? noun : `${noun} for ${subject}`;
  return [`↻ Attempt ${attempt}: ${what}, after ${failure.name}: ${inPlainWords(failure.message)}`];
}

/** The preflight check takes strong locks for the rehearsal alone. */
function isRehearsal(state: string, { name }: NamedError): boolean {
  return state === Steps['verify-gate'].state && LOCK_ERRORS.has(name);
}

/** Errors name steps as the state machine, ledger and history do; a person on a terminal reads what the step does. */
const STEP_NAMES: ReadonlyMap<string, string> = new Map(
  stepNames.flatMap((name) => {
    const { state, noun } = Steps[name];
    return [state, ledgerStepOf(name)].map((known) => [known, `the ${noun}`] as const);
  }),
);

export function inPlainWords(message: string): string {
  return oneLine(message).replace(
    /(?<![\w."$])(?:[A-Z][a-z]+){2,}(?![\w."$(])/g,
    (word) => STEP_NAMES.get(word) ?? word,
  );
}

const LOCK_ERRORS = new Set(['LockTimeout', 'DeadlockDetected']);

/** In the live area, until it is tried again or given up: the number of the try that has failed. */
export function failedTry(state: string, attempt: number, failure: NamedError): string {
  const tries = lockTriesOf(state);
  const message = inPlainWords(failure.message);
  if (!LOCK_ERRORS.has(failure.name) || attempt >= tries) return `${failure.name}: ${message}`;
  return `↻ try ${attempt} of ${tries}, next within ${nextTryWithinSeconds(attempt)} s: ${message}`;
}

/** In the live area, while it is tried again. */
export function nextTry(state: string, attempt: number, failure: NamedError): string {
  const which = LOCK_ERRORS.has(failure.name) ? `try ${attempt} of ${lockTriesOf(state)}` : `attempt ${attempt}`;
  return `↻ ${which}: ${inPlainWords(failure.message)}`;
}

export function failed(failure: NamedError): string[] {
  return [`✗ ${failure.name}: ${inPlainWords(failure.message)}`];
}

/** @param told the reason has just been told */
export function pausing(failure: NamedError, told: boolean): string[] {
  return told ? ['‖ Pausing'] : [`‖ Pausing: ${withoutApproveHint(failure.message)}`];
}

const STRATEGIES: Readonly<Record<RollbackStrategy, string>> = {
  attach: 'online: valid FKs on the leaves first, then the parent attaches them without a scan',
  'not-valid': 'online: NOT VALID first, then validated without blocking writes',
  blocking: 'blocking: writes wait while every row is checked',
};

export function fenced(fence: FenceResult): string[] {
  if (fence.parentForeignKey === 'PRESENT') {
    return ['Rolling back: the parent-level FK is still there; what was added is taken away'];
  }
  const how = fence.strategy === 'NONE' ? '' : ` (${STRATEGIES[fence.strategy] ?? fence.strategy})`;
  return [`Rolling back: the parent-level FK comes back first, while the partition-level FKs hold${how}`];
}

export function attached(constraint: string, result: Readonly<Record<string, unknown>>): string[] {
  if (result.status === 'SKIPPED') return [`✓ Parent-level FK constraint is in place: ${constraint}`];
  const took = typeof result.durationMs === 'number' ? ` in ${clock(result.durationMs)}` : '';
  return [`✓ Restored parent-level FK constraint: ${constraint}${took}`];
}

export function pairsDropped(foreignKeys: number, indexes: number, keptIndexes: number): string[] {
  const kept =
    keptIndexes > 0
      ? `; ${plural(keptIndexes, 'index', 'indexes')} that this migration built stay for the next try`
      : '';
  return [`✓ Dropped ${foreignKeys} partition-level FK constraints and ${plural(indexes, 'index', 'indexes')}${kept}`];
}

export function rolledBack(table: string, constraint: string, definition: string): string[] {
  const short = definitionWithoutSchemaOf(table, oneLine(definition));
  return [`✓ Parent-level FK is as it was: ${constraint}: ${short}`];
}

/** The six checks, in their order; ids and titles are part of the contract. */
const CHECK_TITLES: readonly (readonly [id: CheckId, title: string])[] = [
  ['pair-foreign-keys', 'Checking partition-level FK constraints...'],
  ['parent-foreign-key', 'Checking for parent-level FK...'],
  ['foreign-key-targets', 'Verifying FK targets...'],
  ['delete-performance', 'Testing DELETE performance...'],
  ['orphans', 'Verifying data integrity...'],
  ['inventory', 'Listing all partition-to-partition FK constraints...'],
];

const TITLE_WIDTH = 45;

function checkHead(id: CheckId, detail: string): string {
  const index = CHECK_TITLES.findIndex(([known]) => known === id);
  const title = CHECK_TITLES[index]?.[1] ?? id;
  return `[${index + 1}/${CHECK_TITLES.length}] ${detail === '' ? title : `${padEnd(`${title}   `, TITLE_WIDTH)}${detail}`}`;
}

/** Without details: where only the execution's own output is at hand. */
export function checksInShort(checks: readonly { id: CheckId; passed: boolean }[]): string[] {
  return checks.map((check) => checkHead(check.id, check.passed ? '✓ PASS' : '✗ FAIL'));
}

/** The six checks in full. `inventory` lists its pair FKs below it. */
export function checksInFull(checks: readonly Check[]): string[] {
  return checks.flatMap((check) => {
    if (check.id !== 'inventory') return [checkHead(check.id, checkDetail(check))];
    return [checkHead(check.id, check.passed ? '' : '✗ FAIL'), ...linesOf(check).map((line) => `  ${line.trim()}`)];
  });
}

/** The same with one line for all pairs that are alike. What is not as it should be comes first, up to `most` lines. */
export function checksFolded(checks: readonly Check[], most: number): string[] {
  return checks.flatMap((check) => {
    if (check.id !== 'inventory') return checksInFull([check]);
    const listed = linesOf(check).map((line) => line.trim());
    const proofs = Map.groupBy(listed, proofOf);
    const others = proofs.get(null) ?? [];
    const pairs = listed.length - others.length;
    const folded = [...proofs].flatMap(([proof, alike]) =>
      proof === null ? [] : [`  ${alike.length} of ${plural(pairs, 'pair')}: foreign key of its own${proof}`],
    );
    const more = others.length - most;
    return [
      checkHead(check.id, check.passed ? '' : '✗ FAIL'),
      ...others.slice(0, most).map((line) => `  ${line}`),
      ...(more > 0 ? [`  … and ${more} more`] : []),
      ...folded,
      '  p2pfk verify, a report, or --verbose lists each of them',
    ];
  });
}

const PAIR_LINE = /^.+ -> .+?: .+?((?:, (?:(?:validated|counted) at [\d:.TZ-]+|counted after the drop))*)$/;
const NOT_RIGHT = /: (?:no pair FK|attached after the drop)\b/;

/** How the rows of a pair were proven, without the times; null where the line is of something else. */
function proofOf(line: string): string | null {
  if (NOT_RIGHT.test(line)) return null;
  return PAIR_LINE.exec(line)?.[1]?.replace(/ at [\d:.TZ-]+/g, '') ?? null;
}

function checkDetail(check: Check): string {
  const detail = oneLine(check.detail);
  if (!check.passed) return `✗ FAIL: ${detail || 'no detail given'}`;
  switch (check.id) {
    case 'pair-foreign-keys':
      return detail;
    case 'delete-performance':
      return `✓ ${detail}   ✓ PASS`;
    default:
      return `✓ PASS: ${detail}`;
  }
}
