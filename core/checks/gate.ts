/**
 * The gate: the conditions under which the parent FK may be dropped. Every condition is checked in the catalog, at that moment.
 */
import type { Client } from 'pg';
import { hasFiringChanged } from '../catalog/firing-modes.ts';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { holdingRows, type Pair, type Pairing, readPairing } from '../catalog/pairs.ts';
import { PartitionSetChanged } from '../contracts/errors.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';
import type { LedgerPair } from '../ledger/pairs.ts';
import { GATE_FINDINGS, readFindings } from './preflight/sql-findings.ts';

/** What the gate has found. It passes, as far as the catalog shows, if there are neither changes nor problems. */
export interface GateReading {
  readonly pairing: Pairing;
  /** One line for each partition that was added or removed since the plan. */
  readonly changes: readonly string[];
  /** One line for each other problem. */
  readonly problems: readonly string[];
}

/**
 * Checks everything that needs no scan: the same pairs as planned, each with a valid and enforced FK. It takes milliseconds, also
 * under a lock.
 *
 * @param options the options of the migration
 */
export async function readGate(
  client: Client,
  foreignKey: ForeignKey,
  planned: readonly LedgerPair[],
  options: Partial<Pick<ExecutionInput, 'rowMovementGuard'>>,
): Promise<GateReading> {
  const pairing = await readPairing(client, foreignKey, new Map(), { indexes: false });
  const holding = await holdingRows(client, foreignKey, pairing.unpaired);
  const all = await readFindings(client, { foreignKey, pairing, input: options }, GATE_FINDINGS);
  const detached = all.filter(({ id }) => id === 'pending-detach');
  const found = all.filter(({ id }) => id !== 'pending-detach');
  const known = new Set(planned.map(partitionsOf));
  return {
    pairing,
    changes: [
      ...partitionSetChanges(pairing, planned),
      ...((await hasFiringChanged(client, foreignKey))
        ? ['triggers of the parent foreign key fire in another mode than they did when the plan was made']
        : []),
      ...detached.map(({ message, remedy }) => `${message}; ${remedy}`),
    ],
    problems: [
      ...ambiguities(pairing.pairs),
      ...found.filter(({ severity }) => severity === 'error').map(({ message, remedy }) => `${message}; ${remedy}`),
      ...pairing.pairs.filter((pair) => known.has(partitionsOf(pair))).flatMap(coverageProblem),
      ...pairing.unpaired
        .filter(({ oid }) => holding.has(oid) && !planned.some((pair) => pair.referencing_oid === oid))
        .map(({ partition }) => `${partition} has no partner, and rows by now: they would have no foreign key`),
    ],
  };
}

/**
 * Refuses where only the plan is out of date. Nothing has to be undone then: the next plan adds new pairs and removes those that
 * are gone.
 *
 * @throws PartitionSetChanged where only the plan is out of date
 */
export function refuseOutdatedPlan({ changes, problems }: GateReading): void {
  if (changes.length === 0 || problems.length > 0) return;
  throw new PartitionSetChanged(
    `${changes.join('; ')}; what was done so far is kept: migrate again to plan anew and go on from here`,
  );
}

/** Identifies a pair: its two partitions, with their bound. */
function partitionsOf(pair: { referencing_oid: number; referenced_oid: number; bound: string }): string {
  return `${pair.referencing_oid} ${pair.referenced_oid} ${pair.bound}`;
}

/** Changes since the plan: a partition that was attached has no pair FK, and one that was detached has one too many. */
function partitionSetChanges({ pairs: now, unpaired }: Pairing, planned: readonly LedgerPair[]): string[] {
  const before = new Map(planned.map((pair) => [partitionsOf(pair), pair]));
  const after = new Map(now.map((pair) => [partitionsOf(pair), pair.referencing]));
  return [
    ...[...after].flatMap(([id, name]) =>
      before.has(id) ? [] : [`partition set changed: ${name} was attached after the plan`],
    ),
    ...[...before].flatMap(([id, { referencing, referencing_oid: oid }]) => {
      if (after.has(id)) return [];
      // Another referenced partition was added, or the partner was removed; the leaf itself has not changed.
      const lone = unpaired.find((partition) => partition.oid === oid);
      return lone?.why === undefined
        ? [
            `partition set changed: ${referencing} or its partner was detached, dropped or given another bound after the plan`,
          ]
        : [`partition set changed: ${referencing} has no partner any more, as ${lone.why}`];
    }),
  ];
}

/** A leaf in two pairs is caused by a defect or a setting. Such a plan is never carried out. */
function ambiguities(pairs: readonly Pair[]): string[] {
  const partners = new Map<number, string>();
  const problems: string[] = [];
  for (const { referencing_oid, referencing, referenced } of pairs) {
    const other = partners.get(referencing_oid);
    if (other !== undefined) problems.push(`${referencing} is in two pairs, with ${other} and with ${referenced}`);
    partners.set(referencing_oid, referenced);
  }
  return problems;
}

function coverageProblem(pair: Pair): string[] {
  if (pair.constraint_oid === null) return [`${pair.referencing} has no pair foreign key to ${pair.referenced}`];
  if (!pair.validated) return [`pair foreign key ${pair.constraint_name} of ${pair.referencing} is not validated`];
  if (!pair.enforced)
    return [
      `pair foreign key ${pair.constraint_name} of ${pair.referencing} is not enforced: one of its triggers is disabled, or does not fire ALWAYS as that of the parent foreign key does`,
    ];
  return [];
}
