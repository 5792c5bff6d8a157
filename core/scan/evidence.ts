/** What is asked about each foreign key of a scan: findings of the plan, and how much is written. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { FoundPairing } from '../catalog/many-pairings.ts';
import { isComplete } from '../checks/preflight/partition-findings.ts';
import type { PlanFinding } from '../contracts/documents.ts';
import { runAllForEach } from '../postgres/run-for-each.ts';
import type { Evidence } from './judge.ts';
import type { Scanned } from './subjects.ts';

/**
 * Findings of the plan that a scan asks for: errors in the two tables. What depends on the migrating role and on a new migration's number is
 * left to the plan.
 */
const FINDINGS = [
  'findings/always-triggers',
  'findings/disabled-trigger',
  'findings/leaf-in-two-pairs',
  'findings/leaf-owner-code',
  'findings/leaf-owner-privilege',
  'findings/null-only-partition',
  'findings/partition-persistence',
  'findings/pending-detach',
  'findings/referenced-key',
  'findings/row-security',
  'findings/rule',
  'findings/trigger-after-guard',
] as const;

const QUESTIONS = [...FINDINGS, 'checks/hazards', 'catalog/partitioning'] as const;

type Question = (typeof QUESTIONS)[number];

const WRITES = 'catalog/write-activity';

/** What was read about one foreign key, but for its pairs. */
type Read = Pick<Evidence, 'partitioning' | 'findings' | 'hazards' | 'writes'>;

/**
 * Of each foreign key, in their order.
 *
 * @param counted whether this server counts writes
 */
export async function readEvidence(
  client: Client,
  scanned: readonly Scanned[],
  pairings: readonly FoundPairing[],
  counted: boolean,
): Promise<Read[]> {
  const questions = scanned.map((one, index) => {
    const pairing = pairings[index];
    return new Set(pairing ? questionsOf(one, pairing) : []);
  });
  const answers = await runAllForEach(
    client,
    [...QUESTIONS, WRITES],
    scanned.map((one, index) => valuesOf(one, pairings[index], (questions[index]?.size ?? 0) > 0)),
    (name, index) => (name === WRITES ? counted : (questions[index]?.has(name) ?? false)),
  );
  return scanned.map(
    (_, index): Read => ({
      partitioning: answers['catalog/partitioning'][index] ?? [],
      hazards: answers['checks/hazards'][index] ?? [],
      writes: answers[WRITES][index]?.[0],
      findings: FINDINGS.flatMap((name) => answers[name][index] ?? []).map(
        ({ id, severity, needs_acceptance: needsAcceptance, message, remedy }): PlanFinding => ({
          id,
          severity,
          message,
          remedy,
          needsAcceptance,
        }),
      ),
    }),
  );
}

/**
 * When a scan asks about a foreign key: where `sql/scan/parents.sql` names the question, or by what else is known already. A finding that
 * neither can decide about is asked of all: `() => true`.
 */
const ASKED: Readonly<Record<Question, 'named' | ((foreignKey: ForeignKey, pairing: FoundPairing) => boolean)>> = {
  'findings/always-triggers': ({ firing }) => firing.length > 0,
  'findings/disabled-trigger': 'named',
  'findings/leaf-in-two-pairs': (_, { pairs }) =>
    new Set(pairs.map(({ referencing_oid }) => referencing_oid)).size < pairs.length,
  'findings/leaf-owner-code': 'named',
  'findings/leaf-owner-privilege': 'named',
  'findings/null-only-partition': (_, { unpaired }) => unpaired.some(({ keyless }) => keyless === true),
  'findings/partition-persistence': 'named',
  'findings/pending-detach': 'named',
  'findings/referenced-key': 'named',
  'findings/row-security': 'named',
  'findings/rule': 'named',
  'findings/trigger-after-guard': 'named',
  'checks/hazards': 'named',
  'catalog/partitioning': (_, pairing) => !isComplete(pairing),
};

/** Of a foreign key whose parent FK exists and that no migration of the ledger is about. */
function questionsOf({ foreignKey, state, known }: Scanned, pairing: FoundPairing): Question[] {
  if (foreignKey.constraint_oid === null || state !== null) return [];
  return QUESTIONS.filter((name) => {
    const asked = ASKED[name];
    return asked === 'named' ? (known?.questions.includes(name) ?? true) : asked(foreignKey, pairing);
  });
}

/** @param all whether more is asked than how much is written, so that names and unpaired partitions are needed, too */
function valuesOf({ foreignKey }: Scanned, pairing: FoundPairing | undefined, all: boolean) {
  const { pairs = [], unpaired = [] } = pairing ?? {};
  return {
    ...foreignKey,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
    referenced_table: foreignKey.referencedTable,
    options: { rowMovementGuard: true },
    pairs: pairs.map(({ pair, referencing_oid, referencing, referenced_oid, referenced, constraint_oid }) => ({
      pair,
      referencing_oid,
      referencing: all ? referencing : null,
      referenced_oid,
      referenced: all ? referenced : null,
      constraint_oid,
    })),
    unpaired: all
      ? unpaired.map(({ side, oid, partition, bound, keyless = null, needsPair = null }) => ({
          side,
          oid,
          partition,
          bound,
          keyless,
          needsPair,
        }))
      : [],
  };
}
