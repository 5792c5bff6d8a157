/**
 * Statements that may outlive their handler: started, left running, and found again. A backend whose client has disconnected
 * finishes and commits, as long as it has nothing to send before its end. An advisory lock on a key, which the ledger stores
 * (p2pfk.running), shows whether it still works: done -> nothing to do; key held -> still running, wait; neither -> start it.
 *
 * This does not work through a transaction pooler or RDS Proxy, which both do not keep sessions.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { LEASE_SECONDS } from '../contracts/lease.ts';
import type { CostToOthers } from '../contracts/steps/results.ts';
import { holdRandomKey } from '../ledger/liveness.ts';
import { extendLease } from '../ledger/migrations.ts';
import { noteEvent } from '../ledger/notes/events.ts';
import { describeBlockers, readBlockers } from '../postgres/locks/blockers.ts';
import { messageOf, toNamedError } from '../postgres/postgres-errors.ts';
import { asLogin, runAsLogin } from '../postgres/session/as-login.ts';
import { PooledSession } from '../postgres/session/pooler.ts';
import { forgetLastingPlans, run } from '../postgres/sql.ts';
import { applicationName, type StepContext } from './context.ts';
import { CostWatch, costSoFar } from './cost-to-others.ts';
import { describeEnded, endIdleBlockers } from './locks/idle-blockers.ts';
import { type NotNow, whyNotBegun } from './pace.ts';

/** Milliseconds of the handler's time that are reserved for its last writes to the ledger. */
const HANDLER_RESERVE_MS = 15_000;

/**
 * A statement that waits for other sessions is left running after some seconds, too, so that the execution reports which sessions
 * it waits for.
 */
const BLOCKED_POLL_MS = 1_000;
const BLOCKED_POLLS = 3;

/** What to run. */
export interface DetachedWork {
  readonly migrationId: string;
  readonly execution: string;
  readonly step: string;
  readonly pair: number;
  /** A rollback heeds neither a limit nor a hold that a person has set. */
  readonly direction: 'forward' | 'rollback';
  /** What the ledger notes if it fails: the state of the state machine, and the statement. */
  readonly noted: { readonly step: string; readonly sql: string };
  /** oid of the constraint or table that the statement works on. */
  readonly lockOid: number;
  /** oids of the tables that it reads. */
  readonly reads: readonly number[];
  /** Sessions that the statement waits for are ended if they have been idle in a transaction for longer; undefined: never. */
  readonly terminateIdleAfterSeconds?: number | undefined;
  /**
   * Makes the statements, which are sent as ONE message, so that the server needs no client between them. Undefined: it is done
   * already, as seen while holding the lock.
   */
  script(session: Client): Promise<string | undefined>;
}

/** What runDetached returns. */
export type DetachedOutcome =
  /** `ran` false: it had been done already. */
  | {
      readonly status: 'DONE';
      readonly durationMs: number;
      readonly ran: boolean;
      readonly cost?: CostToOthers | undefined;
    }
  /** `note`: the sessions that it waits for, if it does; else the progress of an index build. */
  | {
      readonly status: 'RUNNING';
      readonly waitSeconds: number;
      readonly note?: string;
      readonly cost?: CostToOthers | undefined;
    };

/**
 * Runs the script to its end, or leaves it running when the handler's time is up.
 *
 * @throws the named error of a statement that failed; it is noted in the ledger
 */
export async function runDetached(context: StepContext, work: DetachedWork): Promise<DetachedOutcome> {
  // Not the name of a handler's session: a statement that was left running does not show that the owner lives.
  const name = applicationName(work.migrationId, `run/${work.step}`, work.pair);
  const session = await context.openSession(name);
  let abandoned = false;
  let done = false;
  try {
    const claimed = await claim(session, work);
    if (!claimed) {
      const cost = await costSoFar(context.client, work.reads);
      return { ...(await runningOutcome(context.client, work)), cost };
    }
    const notNow = await whyNotClaimed(session, work, claimed.key);
    if (notNow) {
      done = true;
      return { status: 'RUNNING', ...notNow };
    }
    const script = await work.script(session);
    if (script === undefined) {
      done = true;
      return { status: 'DONE', durationMs: 0, ran: false };
    }
    // It fires code of the application.
    forgetLastingPlans(session);
    const watch = await CostWatch.begin(context.client, work.reads);
    const beganAt = performance.now();
    context.logger.info('statement started', { step: work.step, pair: work.pair });
    const running = session.query(script).then(
      () => 'done' as const,
      (error: unknown) => {
        throw toNamedError(error, script);
      },
    );
    const over = new AbortController();
    void watch.follow(over.signal);
    const outcome = await Promise.race([
      running,
      after(context.remainingMs() - HANDLER_RESERVE_MS),
      blocked(context.client, claimed.pid, over.signal),
    ])
      .finally(() => over.abort())
      .catch(async (error: unknown) => {
        await noteFailure(context.client, work, performance.now() - beganAt, error);
        throw error;
      });
    if (outcome === 'done') {
      const durationMs = performance.now() - beganAt;
      // In the other session, because this one may have the caller's search_path by now.
      await run(context.client, 'ledger/end-run', { object: work.lockOid, liveness_key: claimed.key });
      done = true;
      return { status: 'DONE', durationMs, ran: true, cost: await watch.end() };
    }
    abandoned = true;
    running.catch(() => undefined);
    context.logger.info('statement left running', { step: work.step, pair: work.pair });
    const cost = await watch.end();
    return { ...(await runningOutcome(context.client, work)), cost };
  } finally {
    if (done) await context.closeSession(session);
    else {
      if (abandoned && session instanceof PooledSession) session.abandon();
      // While a statement runs, end() closes the socket and sends no cancel, so the backend goes on.
      const ended = session.end().catch(() => undefined);
      if (!abandoned) await ended;
    }
  }
}

/**
 * Notes the run in the ledger before the script checks the fence, because a rollback waits for runs that are noted.
 *
 * @returns the session; undefined where another session works on the same object
 */
async function claim(
  session: Client,
  { migrationId, lockOid }: DetachedWork,
): Promise<{ readonly pid: number; readonly key: string } | undefined> {
  const key = await holdRandomKey(session);
  const [claimed] = await run(session, 'ledger/claim-run', {
    object: lockOid,
    migration_id: migrationId,
    liveness_key: key,
  });
  return claimed && { pid: claimed.pid, key };
}

/** A limit or a hold may have been set since the step asked, and several may have asked at the same moment. */
async function whyNotClaimed(
  session: Client,
  { migrationId: id, execution, lockOid, direction }: DetachedWork,
  key: string,
): Promise<NotNow | undefined> {
  if (direction === 'rollback') return undefined;
  const notNow = await whyNotBegun(session, { id, execution }, lockOid);
  if (notNow) await run(session, 'ledger/end-run', { object: lockOid, liveness_key: key });
  return notNow;
}

/** Notes the failure if possible. The failure itself is reported in any case. */
async function noteFailure(client: Client, work: DetachedWork, durationMs: number, error: unknown): Promise<void> {
  const { migrationId, execution, pair, noted } = work;
  const event = { ...noted, execution, pair: pair || null, durationMs, error: messageOf(error) };
  await noteEvent(client, migrationId, event).catch(() => undefined);
}

function after(milliseconds: number): Promise<'time is up'> {
  return new Promise((resolve) => {
    setTimeout(() => resolve('time is up'), Math.max(1_000, milliseconds)).unref();
  });
}

/** Resolves when that session has waited for others for some seconds; otherwise it never settles. */
async function blocked(client: Client, pid: number, over: AbortSignal): Promise<'blocked'> {
  try {
    for (let seen = 0; seen < BLOCKED_POLLS; ) {
      await delay(BLOCKED_POLL_MS, undefined, { signal: over, ref: false });
      seen = (await readBlockers(client, pid)).length > 0 ? seen + 1 : 0;
    }
    return 'blocked';
  } catch {
    // Aborted, or the question failed. Whether the statement has ended is reported by its own session.
    return new Promise(() => undefined);
  }
}

/** The result for a statement that is left running: when to call again. The lease shows until then that the owner lives. */
async function runningOutcome(client: Client, work: DetachedWork): Promise<DetachedOutcome> {
  const { migrationId, execution, lockOid } = work;
  const [running] = await run(client, 'ledger/run-session', { object: lockOid });
  const pid = running?.pid ?? null;
  const seconds = pid === null ? SHORTEST_WAIT_SECONDS : await waitSeconds(client, pid);
  await extendLease(client, migrationId, execution, seconds + LEASE_SECONDS);
  // It has ended since; the next call finds what it did.
  if (pid === null) return { status: 'RUNNING', waitSeconds: seconds };
  const blockers = await readBlockers(client, pid);
  const waits = describeBlockers(blockers);
  if (waits === undefined) {
    const progress = await indexProgress(client, pid);
    return { status: 'RUNNING', waitSeconds: seconds, ...(progress === undefined ? {} : { note: progress }) };
  }
  const ended = await endIdleBlockers(client, work, blockers);
  return { status: 'RUNNING', waitSeconds: seconds, note: `${waits}${describeEnded(ended)}` };
}

/** Progress of an index build. PostgreSQL reports no progress of VALIDATE. */
async function indexProgress(client: Client, pid: number): Promise<string | undefined> {
  const [build] = await runAsLogin(client, 'checks/index-progress', { pid });
  if (!build) return undefined;
  return `index build: ${build.phase}${build.percent === null ? '' : `, ${build.percent} % of it`}`;
}

const SHORTEST_WAIT_SECONDS = 5;

/**
 * Seconds until the next call: a tenth of the time that the statement has run, from 5 s to 5 min. Six hours take about 80 turns,
 * not thousands.
 */
async function waitSeconds(client: Client, pid: number): Promise<number> {
  const { rows } = await asLogin(client, () =>
    client.query<{ seconds: number }>(
      "SELECT coalesce(max(extract(epoch FROM now() - query_start)), 0)::int AS seconds FROM pg_stat_activity WHERE pid = $1 AND state = 'active'",
      [pid],
    ),
  );
  return Math.min(300, Math.max(SHORTEST_WAIT_SECONDS, Math.round((rows[0]?.seconds ?? 0) / 10)));
}
