/**
 * The check `delete-performance`: whether a DELETE on the referenced side is fast. The query plan of every pair's lookup proves
 * it without executing anything. Where nothing but the pair is affected, deleting some rows in a savepoint shows it, too.
 */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Check } from '../contracts/documents.ts';
import { CheckId } from '../contracts/documents.ts';
import { StatementCanceled } from '../contracts/errors.ts';
import { requireLocked } from '../postgres/locks/locked-tables.ts';
import { messageOf, sqlStateOf } from '../postgres/postgres-errors.ts';
import { hasDeadline, together, withShorterLimits } from '../postgres/session/deadline.ts';
import { forgetPlans, PLANS_OF_THE_SERVER, type Row, run, runOne } from '../postgres/sql.ts';
import { readSql } from '../postgres/sql-files.ts';

/** Rows that the probe deletes. */
const PROBE_ROWS = 10;
/** Rows that may reference one of them. So a DELETE affects fewer than a thousand rows. */
const FAN_OUT = 100;
/** Pairs that are examined for one that has rows and no obstacle; the largest ones first. */
const CANDIDATES = 10;
/**
 * Milliseconds. The probe's row locks block an application that works on the same rows, so never for longer than a lock budget.
 */
export const PROBE_TIMEOUT_MS = 500;
/** Share of the lock budget that the probe may use while everything is locked. */
export const PROBE_SHARE = 0.1;

const DELETE_TITLE = 'Testing DELETE performance';

/** A pair, as the probe needs it. */
export interface ProbedPair {
  readonly pair: number;
  readonly referencing_oid: number;
  readonly referencing: string;
  readonly referenced_oid: number;
  readonly referenced: string;
  readonly constraint_oid: number | null;
}

/** The index with which the lookup of a pair FK finds its rows; null where it scans. */
export type LookupProof = Pick<Row<'checks/lookup-proofs'>, 'constraint_oid' | 'index_oid'>;

/** Result of the DELETE, as a parameter of `sql/checks/delete-verdict.sql`; empty where all referenced partitions are empty. */
interface Outcome {
  readonly obstacle?: string;
  readonly found?: number;
  readonly deleted?: number;
  readonly took_ms?: number;
  readonly sqlstate?: string;
  readonly message?: string;
  readonly timeout_ms?: number;
}

/** A pair on which the DELETE may be tried, or the reason why not; see `sql/checks/delete-probe.sql`. */
export type Candidate = Row<'checks/delete-probe'>;

/** How to probe. */
export interface ProbeOptions {
  /** Result of {@link proveLookups}; null: only measure, also with the parent FK. */
  readonly proofs: readonly LookupProof[] | null;
  /** Milliseconds that the DELETE may take. */
  readonly timeoutMs: number;
  /** The operator wanted no indexes: a lookup that scans is reported, and passes. */
  readonly noIndexes?: boolean;
  /**
   * Result of {@link findCandidates}, where the caller holds ACCESS EXCLUSIVE on all partitions by now: obstacles that were found
   * before are not checked again, the other pairs are.
   */
  readonly candidates?: readonly Candidate[] | undefined;
}

/**
 * Explains the lookup of every pair that has a pair FK. It executes none of them, and locks nothing for longer than it takes to
 * plan one: a millisecond for each pair. Call it before the locks of the drop.
 */
export async function proveLookups(client: Client, pairs: readonly ProbedPair[]): Promise<LookupProof[]> {
  const constrained = pairs.filter((pair) => pair.constraint_oid !== null);
  const lookups = await run(client, 'checks/delete-lookups', { pairs: constrained });
  await client.query("SELECT set_config('p2pfk.lookups', $1, false)", [JSON.stringify(lookups)]);
  await client.query(readSql('checks/explain-lookups'));
  return run(client, 'checks/lookup-proofs', { lookups });
}

/** One line with the first pair whose lookup scans; null where every lookup uses an index. */
export async function scanningLookups(
  client: Client,
  pairs: readonly ProbedPair[],
  proofs: readonly LookupProof[],
): Promise<string | null> {
  const { passed, detail } = await judge(client, pairs, { proofs, noIndexes: false }, {});
  return passed ? null : detail;
}

/**
 * Runs the check. It must be called inside a transaction, and works in a savepoint, which it rolls back. No object of the
 * application can make it fail: what prevents the DELETE is reported in the detail.
 *
 * @throws StatementCanceled when a person cancels it
 */
export async function probeDelete(
  client: Client,
  foreignKey: Pick<ForeignKey, 'constraint_oid'>,
  pairs: readonly ProbedPair[],
  { proofs, timeoutMs, noIndexes = false, candidates }: ProbeOptions,
): Promise<Check> {
  // A lookup that scans is not tried, because its row locks would last as long as the scan.
  const scans = proofs?.some((proof) => proof.index_oid === null);
  const outcome = scans ? {} : await deleteSome(client, foreignKey, pairs, { timeoutMs, candidates });
  const verdict = await judge(client, pairs, { proofs, noIndexes }, outcome);
  return { id: CheckId.DeletePerformance, title: DELETE_TITLE, ...verdict };
}

function judge(
  client: Client,
  pairs: readonly ProbedPair[],
  { proofs, noIndexes }: { readonly proofs: readonly LookupProof[] | null; readonly noIndexes: boolean },
  outcome: Outcome,
): Promise<Row<'checks/delete-verdict'>> {
  return runOne(client, 'checks/delete-verdict', {
    // Without the rest of each pair: it is asked under the locks of the drop.
    pairs: pairs.map(({ pair, referencing, referenced, constraint_oid }) => {
      return { pair, referencing, referenced, constraint_oid };
    }),
    proofs: proofs ?? 'null',
    outcome,
    no_indexes: noIndexes,
  });
}

/** The pairs on which the DELETE could be tried after the parent FK is dropped; asked before the locks of the drop. */
export function findCandidates(
  client: Client,
  { constraint_oid }: Pick<ForeignKey, 'constraint_oid'>,
  pairs: readonly ProbedPair[],
): Promise<Candidate[]> {
  return ask(client, pairs.slice(0, CANDIDATES), { leaving: constraint_oid });
}

/** What {@link probeDelete} asks first under the caller's locks, for who asks it together with other questions. */
export async function lookAgain(
  client: Client,
  pairs: readonly ProbedPair[],
  candidates: readonly Candidate[],
): Promise<void> {
  const first = candidates.find(({ filled, obstacle }) => filled && obstacle === null);
  if (first) await askOf(client, pairs, first);
}

async function askOf(
  client: Client,
  pairs: readonly ProbedPair[],
  { pair: number }: Candidate,
  parent: number | null = null,
): Promise<Candidate | undefined> {
  const [now] = await ask(
    client,
    pairs.filter(({ pair }) => pair === number),
    { parent },
  );
  return now;
}

function ask(
  client: Client,
  pairs: readonly ProbedPair[],
  { parent = null, leaving = null }: { readonly parent?: number | null; readonly leaving?: number | null },
): Promise<Candidate[]> {
  return run(client, 'checks/delete-probe', {
    pairs,
    constraint_oid: String(parent ?? ''),
    leaving_oid: String(leaving ?? ''),
    rows: PROBE_ROWS,
    fan_out: FAN_OUT,
  });
}

async function deleteSome(
  client: Client,
  { constraint_oid: parent }: Pick<ForeignKey, 'constraint_oid'>,
  pairs: readonly ProbedPair[],
  { timeoutMs, candidates }: Pick<ProbeOptions, 'timeoutMs' | 'candidates'>,
): Promise<Outcome> {
  const known = candidates ?? (await ask(client, pairs.slice(0, CANDIDATES), { parent }));
  let firstOutcome: Outcome = {};
  for (const candidate of known) {
    if (!candidate.filled) continue;
    const outcome = candidate.obstacle === null ? await attempt(candidate) : { obstacle: candidate.obstacle };
    if (outcome.sqlstate || outcome.deleted) return outcome;
    firstOutcome = Object.keys(firstOutcome).length > 0 ? firstOutcome : outcome;
  }
  return firstOutcome;

  async function attempt(candidate: Candidate): Promise<Outcome> {
    const lookNow = () => askOf(client, pairs, candidate, parent);
    const isIt = (now: Candidate | undefined): now is Candidate => now?.obstacle === null;
    const obstacleOf = (now: Candidate | undefined) => ({ obstacle: now?.obstacle ?? 'the pair is gone' });
    // A lock keeps other sessions from adding a trigger or a foreign key, so this second answer stays valid.
    const seen = candidates === undefined ? undefined : await lookNow();
    if (candidates !== undefined && !isIt(seen)) return obstacleOf(seen);
    const beganAt = performance.now();
    try {
      // The shorter lock_timeout: the probe does not wait long for referencing rows that the application has locked.
      const limits = { statementMs: Math.max(2, Math.ceil(timeoutMs)), lockMs: Math.max(1, Math.ceil(timeoutMs / 2)) };
      return await withShorterLimits(client, limits, async () => {
        const deleted = async (now: Candidate) => ({
          ...(await deleteOnce(client, now, timeoutMs)),
          timeout_ms: timeoutMs,
        });
        if (seen) {
          const [, outcome] = await together(
            client,
            () => beginProbe(client, limits),
            () => deleted(seen),
          );
          return outcome;
        }
        await beginProbe(client, limits);
        await client.query(candidate.lock);
        const locked = pairs.filter(({ pair }) => pair === candidate.pair);
        await requireLocked(
          client,
          locked.flatMap(({ referencing_oid, referenced_oid }) => [referencing_oid, referenced_oid]),
        );
        const now = await lookNow();
        return isIt(now) ? deleted(now) : obstacleOf(now);
      });
    } catch (error) {
      // The role may not lock or read the table, or the table was locked: nothing has been deleted.
      const sqlstate = sqlStateOf(error);
      const spentMs = performance.now() - beganAt;
      const ourTimeout = sqlstate === '57014' && isOurTimeout(spentMs, timeoutMs);
      if (!ourTimeout && !/^(?:42501|25006|55P03)$/.test(sqlstate ?? '')) throw error;
      return { sqlstate: sqlstate ?? '', message: messageOf(error), took_ms: spentMs, timeout_ms: timeoutMs };
    } finally {
      await backToSavepoint(client);
    }
  }
}

/** Where the session has a deadline, that gives each statement its limits. */
async function beginProbe(
  client: Client,
  { statementMs, lockMs }: { readonly statementMs: number; readonly lockMs: number },
): Promise<void> {
  await client.query('SAVEPOINT delete_probe');
  if (hasDeadline(client)) return;
  await client.query("SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true)", [
    String(statementMs),
    String(lockMs),
  ]);
}

async function deleteOnce(
  client: Client,
  { choose, delete: sql, fire }: Candidate,
  timeoutMs: number,
): Promise<Outcome> {
  const job = { choose, delete: sql, fire };
  let spentMs = 0;
  const runIt = async () => {
    const beganAt = performance.now();
    await client.query(readSql('checks/delete-once')).catch((error: unknown) => {
      forgetPlans(client);
      throw error;
    });
    spentMs = performance.now() - beganAt;
  };
  const [, , { rows }] = await together(
    client,
    () =>
      // The foreign keys' own lookups are planned as usual; the savepoint restores the settings.
      client.query(`SELECT set_config('p2pfk.delete_probe', $1, false), ${PLANS_OF_THE_SERVER}`, [JSON.stringify(job)]),
    runIt,
    () =>
      client.query<{ outcome: Outcome }>(
        // The ROLLBACK TO that follows has no time limit: if it were cut, the whole transaction would be aborted. It restores the
        // caller's limit.
        "SELECT current_setting('p2pfk.delete_probed')::jsonb AS outcome, set_config('statement_timeout', '0', true) AS ignored",
      ),
  );
  const outcome = rows[0]?.outcome ?? {};
  // After a DELETE, even a failed one: code that it called may have replaced one of our prepared statements, which no ROLLBACK
  // undoes.
  if (outcome.deleted || outcome.sqlstate) forgetPlans(client);
  // A cancel before our own time-out is a person's, and says nothing about the DELETE.
  if (outcome.sqlstate === '57014' && !isOurTimeout(spentMs, timeoutMs))
    throw new StatementCanceled(outcome.message ?? 'canceled', { sqlState: '57014' });
  return outcome;
}

/**
 * Whether our own time-out was the reason. A person's cancel and our statement_timeout have the same SQLSTATE, 57014. Every
 * statement of the probe has that time-out, including those that only choose rows, so the elapsed time decides. It is measured
 * here, and therefore never shorter than the server's.
 */
function isOurTimeout(spentMs: number, timeoutMs: number): boolean {
  return spentMs >= timeoutMs * 0.8;
}

/**
 * Tries again where the probe's own short time-out cut the first ROLLBACK TO, because otherwise the transaction around the probe
 * would stay aborted.
 */
async function backToSavepoint(client: Client): Promise<void> {
  const rollback = () => client.query('ROLLBACK TO SAVEPOINT delete_probe');
  await rollback().catch(() => rollback().catch(() => undefined));
}
