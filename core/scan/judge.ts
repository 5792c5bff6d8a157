/** What was found out about one foreign key between two partitioned tables. Pure. */
import type { FoundPairing } from '../catalog/many-pairings.ts';
import type { Server } from '../catalog/server-facts.ts';
import { hazardFindings } from '../checks/preflight/hazards.ts';
import { checkPairs, decideUnpaired, isComplete } from '../checks/preflight/partition-findings.ts';
import { checkCapacity, checkServer } from '../checks/preflight/server-findings.ts';
import { checkPartitioning, type Partitioning } from '../checks/preflight/table-findings.ts';
import type { Unpaired } from '../contracts/column-types.ts';
import type { PlanFinding } from '../contracts/documents.ts';
import { ExecutionInput } from '../contracts/execution-input.ts';
import type { ScannedForeignKey, ScanReason, ScanStatus } from '../contracts/scan-document.ts';
import { gapOf } from '../drift/pair-drift.ts';
import { withoutPartner } from '../drift/table-drift.ts';
import { writeForecast } from '../plan/forecast-writes.ts';
import { estimate } from '../plan/read-plan.ts';
import type { Row } from '../postgres/sql.ts';
import type { Scanned } from './subjects.ts';

/** Everything that was read about one foreign key. */
export interface Evidence {
  readonly server: Server;
  readonly scanned: Scanned;
  readonly pairing: FoundPairing;
  /** Why its bounds were not compared, where they were to be. */
  readonly notCompared: ScanReason | undefined;
  readonly partitioning: readonly Partitioning[];
  readonly findings: readonly PlanFinding[];
  readonly hazards: readonly Row<'checks/hazards'>[];
  /** Undefined on a standby. */
  readonly writes: Row<'catalog/write-activity'> | undefined;
}

/** What is said of it, with the command to run next. */
export type Judged = Omit<ScannedForeignKey, 'next'> & {
  readonly command: 'audit' | 'migrate' | 'plan' | 'rollback' | 'verify' | null;
};

/** A foreign key between partitions that are no pair belongs to the application: undefined. */
export function judge(evidence: Evidence): Judged | undefined {
  const { scanned, pairing } = evidence;
  const { foreignKey } = scanned;
  const covered = pairing.pairs.filter(({ constraint_oid }) => constraint_oid !== null).length;
  if (foreignKey.constraint_oid === null && foreignKey.migrationId === null && covered === 0 && pairing.complete)
    return undefined;
  const { status, reasons } = verdict(evidence, covered);
  const isOpen = foreignKey.constraint_oid !== null;
  const { touching } = scanned;
  return {
    status,
    table: foreignKey.table,
    constraint: foreignKey.constraint_name === '' ? null : foreignKey.constraint_name,
    referencedTable: foreignKey.referencedTable,
    by: foreignKey.migrationId !== null ? 'p2pfk' : covered > 0 ? 'hand' : null,
    pairs: pairing.pairs.length,
    unpaired: pairing.unpaired.length,
    rows: touching?.table_rows ?? sum(pairing.pairs.map(({ rows }) => rows)),
    bytes: touching?.table_bytes ?? sum(pairing.pairs.map(({ bytes }) => bytes)),
    missingIndexes: pairing.pairs.filter(({ has_index }) => !has_index).length,
    reasons,
    unprotected: isOpen ? [] : unguarded(pairing).map(({ partition }) => partition),
    gain: isOpen ? gainOf(evidence) : null,
    cost: status === 'convertible' || status === 'half-done' ? costOf(evidence) : null,
    command: commandFor(status, scanned),
  };
}

function commandFor(status: ScanStatus, { state }: Scanned): Judged['command'] {
  if (status === 'unprotected') return 'audit';
  if (status === 'converted') return 'verify';
  if (status !== 'half-done' || state === null) return 'plan';
  return state === 'rolling-back' ? 'rollback' : 'migrate';
}

interface Verdict {
  readonly status: ScanStatus;
  readonly reasons: ScanReason[];
}

function verdict(evidence: Evidence, covered: number): Verdict {
  const { foreignKey, state } = evidence.scanned;
  if (foreignKey.constraint_oid === null) return afterDrop(evidence);
  if (state === 'migrated') return { status: 'unprotected', reasons: [cameBack(evidence.scanned)] };
  if (state !== null) return { status: 'half-done', reasons: [unfinished(evidence.scanned)] };
  const errors = refusals(evidence);
  if (errors.length > 0) return { status: 'refused', reasons: errors };
  if (evidence.notCompared) return { status: 'unclear', reasons: [evidence.notCompared] };
  if (covered > 0) return { status: 'half-done', reasons: [beside(covered, evidence.pairing.pairs.length)] };
  return { status: 'convertible', reasons: [] };
}

function afterDrop({ scanned, pairing, notCompared }: Evidence): Verdict {
  const { state } = scanned;
  if (state !== null && state !== 'migrated') return { status: 'half-done', reasons: [unfinished(scanned)] };
  const gaps = unguarded(pairing).map(({ reason }) => reason);
  if (gaps.length > 0) return { status: 'unprotected', reasons: gaps };
  return notCompared ? { status: 'unclear', reasons: [notCompared] } : { status: 'converted', reasons: [] };
}

/** Referencing partitions whose rows no foreign key guards; the rules are those of p2pfk audit. */
function unguarded(pairing: FoundPairing): { partition: string; reason: ScanReason }[] {
  const pairs = pairing.pairs.flatMap((pair) => {
    const id = gapOf(pair);
    return id === undefined
      ? []
      : [{ partition: pair.referencing, reason: gap(id, pair.referencing, pair.referenced) }];
  });
  // Those whose bounds could not be compared may have a partner, and its pair FK.
  const alone = pairing.complete ? withoutPartner(pairing) : [];
  return [...pairs, ...alone.map((partition) => ({ partition: partition.partition, reason: lone(partition) }))];
}

const GAPS: Readonly<Record<NonNullable<ReturnType<typeof gapOf>>, string>> = {
  'missing-pair-foreign-key': 'has no pair foreign key to',
  'pair-foreign-key-not-enforced': 'has a pair foreign key that does not fire, to',
  'pair-foreign-key-not-valid': 'has a pair foreign key that was never validated, to',
};

function gap(id: keyof typeof GAPS, referencing: string, referenced: string): ScanReason {
  return { id, message: `${referencing} ${GAPS[id]} ${referenced}`, remedy: 'p2pfk audit --fix prints the repair' };
}

function lone({ partition, bound, why = 'it has no partner' }: Unpaired): ScanReason {
  return {
    id: 'unpaired-referencing-partition',
    message: `${partition} (${bound}) has no foreign key: ${why}`,
    remedy: 'p2pfk audit looks whether it holds rows; create its partner, or drop it',
  };
}

function cameBack({ foreignKey }: Scanned): ScanReason {
  return {
    id: 'parent-foreign-key',
    message: `the ledger has it as migrated, and parent foreign key ${foreignKey.constraint_name} is there again: DETACH and TRUNCATE ... CASCADE meet all partitions as before`,
    remedy: 'drop it with p2pfk migrate, which checks everything first; find out which deployment has added it',
  };
}

function unfinished({ foreignKey, state }: Scanned): ScanReason {
  return {
    id: 'migration-unfinished',
    message: `migration ${foreignKey.migrationId} is ${state}`,
    remedy:
      state === 'rolling-back'
        ? 'let it end, or finish it with p2pfk rollback'
        : 'let it end, resume it with p2pfk migrate, or take it back with p2pfk rollback',
  };
}

function beside(covered: number, pairs: number): ScanReason {
  return {
    id: 'pair-foreign-keys-beside',
    message: `${covered} of ${pairs} pairs have a pair foreign key beside the parent foreign key, and no migration of the ledger is open`,
    remedy: 'p2pfk migrate takes them over and does what is left',
  };
}

/** The errors of the plan's preflight, as far as the catalog shows them. */
function refusals(evidence: Evidence): ScanReason[] {
  const { server, scanned, pairing, partitioning, findings, hazards } = evidence;
  const { foreignKey } = scanned;
  const [referencing, referenced] = [foreignKey.referencing_oid, foreignKey.referenced_oid].map((oid) =>
    // As json an oid is a text.
    partitioning.find((table) => Number(table.oid) === oid),
  );
  const subject = { server, foreignKey, pairing, input: ExecutionInput.parse({ table: foreignKey.table }) };
  const undecided = evidence.notCompared !== undefined;
  const found = [
    // A standby is where one may look, and is no reason.
    ...checkServer({ ...server, in_recovery: false }),
    ...(isComplete(pairing) || !referencing || !referenced
      ? []
      : checkPartitioning(foreignKey, referencing, referenced)),
    ...(undecided ? [] : decideUnpaired(pairing.unpaired, holdingByEstimate(pairing.unpaired)).refused),
    ...(undecided && pairing.pairs.length === 0 ? [] : checkPairs(subject)),
    ...checkCapacity(subject),
    ...hazardFindings(hazards),
    ...findings,
  ];
  return found
    .filter(({ severity }) => severity === 'error')
    .map(({ id, message, remedy }) => ({ id, message, remedy }));
}

/** No row is read here: those that hold rows by the statistics. A foreign table counts as one that does. */
function holdingByEstimate(unpaired: readonly Unpaired[]): Set<number> {
  return new Set(unpaired.filter(({ rows }) => rows > 0).map(({ oid }) => oid));
}

function gainOf({ scanned, pairing, writes }: Evidence): Judged['gain'] {
  const { touching } = scanned;
  if (!touching) return null;
  const forecast = writes && writeForecast(writes, pairing);
  return {
    truncateEmptiesRows: touching.table_rows,
    partitionsNotDetachable: touching.referenced_leaves,
    insertsPerSecond: forecast?.insertsPerSecond ?? null,
    deletesPerSecond: forecast?.deletesPerSecond ?? null,
    ...lockedPartitions(pairing),
  };
}

function lockedPartitions(pairing: FoundPairing): { partitionsLocked: number; partitionsLockedAfter: number } {
  const { partitionsLocked, partitionsLockedAfter } = writeForecast(NO_WRITES, pairing);
  return { partitionsLocked, partitionsLockedAfter };
}

const NO_WRITES = { inserts: 0, deletes: 0, seconds: 1, since: '' };

function costOf({ server, scanned, pairing }: Evidence): Judged['cost'] {
  const input = ExecutionInput.parse({ table: scanned.foreignKey.table });
  const { seconds, dropLockedMs, rollback } = estimate(server, pairing.pairs, input);
  const { strategy, writesBlockedMs } = rollback;
  return { seconds, dropLockedMs, rollback: { strategy, writesBlockedMs } };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
