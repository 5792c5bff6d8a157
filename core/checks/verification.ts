/** The six checks. Each examines the database as it is; the ledger only provides which pairs a migration is responsible for. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import {
  FOREIGN_TABLE,
  hasForeignTable,
  holdingRows,
  type Pair,
  type Pairing,
  readPairing,
  shortName,
} from '../catalog/pairs.ts';
import { guardsOf, isEffective, silentAction } from '../catalog/row-movement-guard.ts';
import { inLines } from '../contracts/check-lines.ts';
import type { Proof } from '../contracts/column-types.ts';
import { type Check, CheckId, type Verification } from '../contracts/documents.ts';
import { NotMigrated } from '../contracts/errors.ts';
import { rolledBack } from '../ledger/connect.ts';
import { readMigration, wantsNoIndexes } from '../ledger/migrations.ts';
import { resolveForeignKey } from '../ledger/resolve-foreign-key.ts';
import { toNamedError } from '../postgres/postgres-errors.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import { PROBE_TIMEOUT_MS, probeDelete, proveLookups } from './delete-probe.ts';
import { countOrphans, type OrphanCount, prepareToCount } from './orphan-count.ts';
import { lateTriggers, readFindings } from './preflight/sql-findings.ts';

/**
 * `p2pfk verify`: all checks of one table, even where no ledger has its migration. Changes nothing.
 *
 * @throws NotMigrated where the parent FK exists and no pair has a foreign key
 */
export async function verifyTable(
  client: Client,
  wanted: { readonly table: string; readonly constraint?: string | undefined },
): Promise<Verification> {
  const foreignKey = await resolveForeignKey(client, wanted, 'verify');
  const pairing = await readPairing(client, foreignKey);
  await refuseUnmigrated(client, foreignKey, pairing);
  const unguarded = await readUnguarded(client, foreignKey, pairing);
  await prepareToCount(client);
  const orphans = await countOrphans(client, foreignKey, pairing.pairs);
  const { checks } = await verification(client, foreignKey, pairing, orphans);
  const [missing] = await readFindings(client, { foreignKey, pairing, input: {} }, ['ledger-missing']);
  return judged(
    checks.map((check) => {
      if (check.id === CheckId.PairForeignKeys && unguarded !== null)
        return { ...check, passed: false, detail: `${check.detail}, ${unguarded}` };
      if (check.id === CheckId.ParentForeignKey && check.passed && missing)
        return { ...check, detail: `${check.detail}. Note: ${missing.message}; ${missing.remedy}` };
      return check;
    }),
  );
}

/**
 * Pair FKs that act on rows which move to another partition, because no row-movement guard works on their referenced partition,
 * or a trigger runs after it. One line; null where there are none.
 */
async function readUnguarded(client: Client, foreignKey: ForeignKey, { pairs }: Pairing): Promise<string | null> {
  const { migrationId, constraint_oid: parentOid } = foreignKey;
  // With a parent FK the migration is not complete, which the check of the parent FK reports.
  if (parentOid !== null) return null;
  // Without a ledger entry it is not known whether guards were switched off.
  const options =
    migrationId === null ? { rowMovementGuard: true } : (await readMigration(client, migrationId)).options;
  const bad = (await guardsOf(client, foreignKey, pairs, options)).filter((guard) => !isEffective(guard));
  const first = shortName(bad[0]?.relation ?? '', foreignKey.table);
  const unguarded = `unguarded ${bad.length}: no working row-movement guard on ${first}${bad.length > 1 ? ` and ${bad.length - 1} more` : ''}, so an UPDATE that moves a row to another partition silently runs ON DELETE ${silentAction(foreignKey)}`;
  // A working guard does not help where a trigger that runs after it can change the key.
  const covered = pairs.filter(({ constraint_oid }) => constraint_oid !== null);
  const late = await lateTriggers(client, foreignKey, covered, options);
  const problems = [...(bad.length > 0 ? [unguarded] : []), ...late.map(({ message }) => message)];
  return problems.length > 0 ? problems.join(', ') : null;
}

async function refuseUnmigrated(client: Client, foreignKey: ForeignKey, { pairs }: Pairing): Promise<void> {
  const { refusal } = await runOne(client, 'checks/not-migrated', {
    ...foreignKey,
    referenced_table: foreignKey.referencedTable,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
    migration_id: foreignKey.migrationId ?? '',
    pairs,
  });
  if (refusal !== null) throw new NotMigrated(refusal);
}

/**
 * Runs the six checks in their order.
 *
 * @param orphans counted before, because counting takes long
 * @param only.pairs those that have to pass: those of the drop. Partitions that were added or removed since are then only listed.
 *   Undefined: every pair of the pairing has to pass, and no partition without a partner may hold rows.
 * @param only.proofs of pairs that need no count
 */
export async function verification(
  client: Client,
  foreignKey: ForeignKey,
  pairing: Pairing,
  orphans: readonly OrphanCount[],
  only?: { readonly pairs: readonly Pair[]; readonly proofs: readonly PairProof[] },
): Promise<Verification> {
  const scope: Scope = { pairing, pairs: only?.pairs ?? pairing.pairs, whole: only === undefined };
  const checks = [
    checkPairForeignKeys(scope),
    await noteOtherForeignKeys(client, foreignKey, await checkParentForeignKey(client, foreignKey, scope)),
    await checkTargets(client, foreignKey, scope),
    await checkDelete(client, foreignKey, scope),
    checkOrphans(foreignKey, scope, orphans, only?.proofs ?? []),
    await checkInventory(client, foreignKey, scope, { orphans, proofs: only?.proofs ?? [] }),
  ];
  return judged(checks);
}

function judged(checks: readonly Check[]): Verification {
  return { passed: checks.every((check) => check.passed), checks };
}

/** What the checks examine. */
interface Scope {
  /** The partitions as they are now. */
  readonly pairing: Pairing;
  /** The pairs that have to pass. */
  readonly pairs: readonly Pair[];
  /** Whether every partition counts, and not only those of `pairs`. */
  readonly whole: boolean;
}

/** Whether a problem on a referencing relation counts. */
function inScope({ pairs, whole }: Scope, referencing: number): boolean {
  return whole || pairs.some((pair) => pair.referencing_oid === referencing);
}

/**
 * The checks that need no scan: the verified drop runs them under its locks.
 *
 * @param leaving oid of the parent FK while it exists: the checks answer as if it were dropped
 */
export async function quickChecks(
  client: Client,
  foreignKey: ForeignKey,
  pairing: Pairing,
  leaving: number | null = null,
): Promise<Check[]> {
  const scope: Scope = { pairing, pairs: pairing.pairs, whole: true };
  return [
    checkPairForeignKeys(scope),
    await checkParentForeignKey(client, foreignKey, scope, leaving),
    await checkTargets(client, foreignKey, scope),
  ];
}

function checkPairForeignKeys({ pairs }: Scope): Check {
  const validated = pairs.filter((pair) => pair.validated).length;
  const total = pairs.filter((pair) => pair.constraint_oid !== null).length;
  const disabled = pairs.filter((pair) => pair.constraint_oid !== null && !pair.enforced).length;
  const missing = pairs.length - total;
  const more = [...(missing > 0 ? [`missing ${missing}`] : []), ...(disabled > 0 ? [`disabled ${disabled}`] : [])];
  return {
    id: CheckId.PairForeignKeys,
    title: 'Checking partition-level FK constraints',
    passed: pairs.length > 0 && validated === pairs.length && disabled === 0,
    detail: [`total ${total}`, `validated ${validated}`, `not validated ${total - validated}`, ...more].join(', '),
  };
}

async function checkParentForeignKey(
  client: Client,
  foreignKey: ForeignKey,
  scope: Scope,
  leaving: number | null = null,
): Promise<Check> {
  const found = await run(client, 'checks/parent-foreign-keys', { ...foreignKey });
  const existing = found.filter(
    ({ oid, on_root, relation_oid }) => oid !== leaving && (on_root || inScope(scope, relation_oid)),
  );
  return {
    id: CheckId.ParentForeignKey,
    title: 'Checking for parent-level FK',
    passed: existing.length === 0,
    detail:
      existing.length === 0
        ? 'No parent-level FK found'
        : `Parent-level FK is still there: ${existing.map(({ name, relation }) => `${name} on ${relation}`).join(', ')}`,
  };
}

/**
 * Adds other foreign keys to the detail of a check. They are no fault of this migration, but TRUNCATE and DETACH continue to be
 * restricted by them, so they are named here.
 */
async function noteOtherForeignKeys(client: Client, foreignKey: ForeignKey, check: Check): Promise<Check> {
  const [others] = await run(client, 'findings/other-foreign-keys', {
    ...foreignKey,
    referenced_table: foreignKey.referencedTable,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
  });
  return others ? { ...check, detail: `${check.detail}. Note: ${others.message}` } : check;
}

async function checkTargets(client: Client, foreignKey: ForeignKey, scope: Scope): Promise<Check> {
  const found = await run(client, 'checks/foreign-key-targets', { ...foreignKey, pairs: scope.pairing.pairs });
  const wrong = found.filter(({ referencing_oid }) => inScope(scope, referencing_oid));
  const none = scope.pairs.every((pair) => pair.constraint_oid === null);
  return {
    id: CheckId.ForeignKeyTargets,
    title: 'Verifying FK targets',
    passed: wrong.length === 0 && !none,
    detail:
      wrong.length === 0
        ? none
          ? 'No pair foreign key to look at'
          : 'All FK constraints reference matching partition pairs'
        : `FK constraints to another partition than the partner: ${wrong.map(({ name, referencing, referenced }) => `${name} (${referencing} to ${referenced})`).join(', ')}`,
  };
}

async function checkDelete(client: Client, foreignKey: ForeignKey, { pairs }: Scope): Promise<Check> {
  const { migrationId } = foreignKey;
  const noIndexes = migrationId !== null && wantsNoIndexes(await readMigration(client, migrationId));
  const proofs = await proveLookups(client, pairs);
  const probed = rolledBack(client, async () => {
    // If this process freezes with rows locked, the server ends the session.
    await client.query("SELECT set_config('idle_in_transaction_session_timeout', '1s', true)");
    return probeDelete(client, foreignKey, pairs, { proofs, timeoutMs: PROBE_TIMEOUT_MS, noIndexes });
  });
  return probed.catch((error: unknown) => {
    throw toNamedError(error);
  });
}

/** What is known of a pair's rows from before the drop: see `sql/checks/proofs.sql`. */
type PairProof = Pick<Row<'checks/proofs'>, 'pair' | 'proof' | 'unchanged'>;

function checkOrphans(
  foreignKey: ForeignKey,
  { pairs }: Scope,
  orphans: readonly OrphanCount[],
  proofs: readonly PairProof[],
): Check {
  const counted = new Set(orphans.map(({ pair }) => pair));
  const proven = proofs.flatMap(({ pair, proof, unchanged }) => (proof && unchanged ? [{ pair, ...proof }] : []));
  const found = orphans.filter((count) => count.orphans > 0);
  const total = found.reduce((sum, count) => sum + count.orphans, 0);
  const uncounted = pairs.filter(({ pair }) => !counted.has(pair) && !proven.some((one) => one.pair === pair)).length;
  const unread = pairs.filter(hasForeignTable);
  const name = (number: number) =>
    shortName(pairs.find((pair) => pair.pair === number)?.referencing ?? `pair ${number}`, foreignKey.table);
  const detail =
    found.length > 0
      ? `${total} orphaned rows found: ${found.map((count) => `${count.orphans} in ${name(count.pair)}`).join(', ')}`
      : uncounted > 0
        ? `${uncounted} pairs could not be counted: ${
            unread.length > 0
              ? `${unread.map(({ pair }) => name(pair)).join(', ')}: a foreign table, which p2pfk does not read`
              : 'no foreign key tells how to compare them'
          }`
        : counted.size === pairs.length
          ? `No orphaned rows found in ${pairs.length} pairs checked`
          : `No orphaned rows found in ${pairs.length} pairs: ${describeProofs(proven, pairs.length)} before the drop, ${counted.size === 0 ? 'none' : counted.size} counted now`;
  return {
    id: CheckId.Orphans,
    title: 'Verifying data integrity',
    passed: pairs.length > 0 && found.length === 0 && uncounted === 0,
    detail,
  };
}

/** `all 9 proven by VALIDATE`, or `6 proven by VALIDATE and 2 by a count`. */
function describeProofs(proven: readonly Pick<Proof, 'by'>[], all: number): string {
  const count = (wanted: Proof['by']) => proven.filter(({ by }) => by === wanted).length;
  const [validated, counted] = [count('validate'), count('count')];
  const many = (amount: number) => (amount === all ? `all ${all}` : String(amount));
  if (counted === 0) return `${many(validated)} proven by VALIDATE`;
  if (validated === 0) return `${many(counted)} proven by a count`;
  return `${validated} proven by VALIDATE and ${counted} by a count`;
}

const NO_FOREIGN_KEY = 'as a foreign table can have no foreign key; p2pfk does not read its rows: detach it';

interface Evidence {
  readonly orphans: readonly OrphanCount[];
  readonly proofs: readonly PairProof[];
}

/** When and how a pair was proven: before the drop, and by a count since. */
function provenBy({ orphans, proofs }: Evidence, { pair: number }: Pair): string {
  const known = proofs.find(({ pair }) => pair === number);
  if (known === undefined) return '';
  const { proof, unchanged } = known;
  const before =
    proof && unchanged
      ? [`${proof.by === 'validate' ? 'validated' : 'counted'} at ${new Date(proof.at).toISOString()}`]
      : [];
  const since = orphans.some(({ pair }) => pair === number) ? ['counted after the drop'] : [];
  return [...before, ...since].map((text) => `, ${text}`).join('');
}

/** Failing lines first, for readers who only read the beginning. */
async function checkInventory(
  client: Client,
  foreignKey: ForeignKey,
  scope: Scope,
  evidence: Evidence,
): Promise<Check> {
  const { pairs, pairing } = scope;
  const lone = pairing.unpaired.filter((partition) => partition.side === 'referencing');
  const short = (name: string) => shortName(name, foreignKey.table);
  const label = (pair: Pair) => `${short(pair.referencing)} -> ${short(pair.referenced)}`;
  const bare = pairs.filter((pair) => pair.constraint_oid === null);
  const attachedSince = pairing.pairs.filter((pair) => !pairs.includes(pair));
  return {
    id: CheckId.Inventory,
    title: 'Listing all partition-to-partition FK constraints',
    passed:
      pairs.length > 0 &&
      bare.length === 0 &&
      (!scope.whole || (await holdingRows(client, foreignKey, lone)).size === 0),
    detail: inLines([
      ...bare.map((pair) => `${label(pair)}: no pair FK${hasForeignTable(pair) ? `, ${NO_FOREIGN_KEY}` : ''}`),
      ...attachedSince.map((pair) => `${label(pair)}: attached after the drop, not checked here; see p2pfk audit`),
      ...lone.map(({ partition, bound, kind, needsPair = true }) =>
        needsPair
          ? `${short(partition)}: no partner with the bound ${bound}${kind === FOREIGN_TABLE ? `, ${NO_FOREIGN_KEY}` : ''}`
          : `${short(partition)}: needs none, as it can hold no complete key`,
      ),
      ...pairs
        .filter((pair) => pair.constraint_oid !== null)
        .map((pair) => `${label(pair)}: ${pair.constraint_name}${provenBy(evidence, pair)}`),
    ]),
  };
}
