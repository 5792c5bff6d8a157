/** The gate: what must be true before the parent FK may go. Every question is asked of the catalog, at that moment. */
import type { Client } from 'pg';
import { hasFiringChanged } from '../catalog/firing-modes.ts';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { holdingRows, type Pair, type Pairing, readPairing } from '../catalog/pairs.ts';
import { PartitionSetChanged } from '../contracts/errors.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';
import type { LedgerPair } from '../ledger/pairs.ts';
import { GATE_FINDINGS, readFindings } from './preflight/sql-findings.ts';

export interface GateReading {
  readonly pairing: Pairing;
  /** One line for each partition that came or went since the plan. */
  readonly changes: readonly string[];
  /** One line for everything else that is wrong. With no line in either, the gate is open as far as the catalog can tell. */
  readonly problems: readonly string[];
}

/**
 * All that needs no scan: the same pairs as planned, each with a valid and enforced FK. Milliseconds, also under lock.
 *
 * @param options what the migration is run with
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
 * Where all that is wrong is a plan that is out of date, nothing has to be undone: the next plan takes in what came and
 * forgets what went.
 *
 * @throws PartitionSetChanged
 */
export function refuseOutdatedPlan({ changes, problems }: GateReading): void {
  if (changes.length === 0 || problems.length > 0) return;
  throw new PartitionSetChanged(
    `${changes.join('; ')}; all that was done stands: migrate again to plan anew and go on from here`,
  );
}

/** Which pair it is: its two partitions, where they still have the bound that they had. */
function partitionsOf(pair: { referencing_oid: number; referenced_oid: number; bound: string }): string {
  return `${pair.referencing_oid} ${pair.referenced_oid} ${pair.bound}`;
}

/** A partition attached after the plan has no pair FK; one that was detached has one too many. */
function partitionSetChanges({ pairs: now, unpaired }: Pairing, planned: readonly LedgerPair[]): string[] {
  const before = new Map(planned.map((pair) => [partitionsOf(pair), pair]));
  const after = new Map(now.map((pair) => [partitionsOf(pair), pair.referencing]));
  return [
    ...[...after].flatMap(([id, name]) =>
      before.has(id) ? [] : [`partition set changed: ${name} was attached after the plan`],
    ),
    ...[...before].flatMap(([id, { referencing, referencing_oid: oid }]) => {
      if (after.has(id)) return [];
      // Another referenced partition came, or the partner went: the leaf itself is where it was.
      const lone = unpaired.find((partition) => partition.oid === oid);
      return lone?.why === undefined
        ? [
            `partition set changed: ${referencing} or its partner was detached, dropped or given another bound after the plan`,
          ]
        : [`partition set changed: ${referencing} has no partner any more, as ${lone.why}`];
    }),
  ];
}

/** A leaf in two pairs can only come from a defect or a setting. Such a plan is never carried out. */
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
