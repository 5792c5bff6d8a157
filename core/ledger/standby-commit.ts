/**
 * Durability on a synchronous standby, without locks. A COMMIT that waits for a synchronous standby keeps its locks until the
 * standby has answered: forever if the standby is gone, and with `remote_apply` as long as a reader there delays the replay. No
 * time-out of the server ends that wait. So our sessions commit with `synchronous_commit = local` (sql/session.sql), and the
 * standby is awaited here, for a limited time, before "done" is reported.
 */
import { channel } from 'node:diagnostics_channel';
import type { Client } from 'pg';
import { messageOf, sqlStateOf, toNamedError } from '../postgres/postgres-errors.ts';
import { backendOf } from '../postgres/session/pooler.ts';
import { inTransaction } from '../postgres/session/transactions.ts';
import { expectAnswersWithin } from '../postgres/session/unanswered.ts';
import { runOne } from '../postgres/sql.ts';
import { endStandbyWaitOf } from './connect.ts';
import { noteEvent } from './notes/events.ts';

/** Diagnostics channel: receives a sentence each time a synchronous standby does not answer in time. */
export const STANDBY_SLOW = 'p2pfk:standby-slow';

/** Time limits, and where delays are reported. */
export interface ConfirmOptions {
  /** Milliseconds after which p2pfk continues without the standby's confirmation; default 60,000. */
  readonly limitMs?: number;
  /** Milliseconds after which the wait is reported; default 5,000. */
  readonly reportAfterMs?: number;
  /** Receives the sentences of {@link STANDBY_SLOW}, too. */
  readonly warn?: (message: string) => void;
}

const LIMIT_MS = 60_000;
const REPORT_AFTER_MS = 5_000;
/** Milliseconds between two tries to end the wait, where no other session can be opened. */
const AGAIN_MS = 5_000;

/** Time limit of the note in the ledger, in milliseconds. */
const NOTE_MS = 2_000;
/** Step of the note. No step of the state machine has this name, so the note does not count as a try of one. */
const NOTE_STEP = 'ConfirmOnStandby';

const slow = channel(STANDBY_SLOW);

/**
 * Waits until the synchronous standby has everything that was committed so far. Call it outside a transaction. Returns at once
 * where there is no such standby, or where the session's own `synchronous_commit` was `local` or `off`.
 *
 * @returns false: the standby has not confirmed it within the limit, which was reported; everything is committed on this server
 * @throws ConnectionLost when the session has ended meanwhile
 */
export async function confirmOnStandby(client: Client, options: ConfirmOptions = {}): Promise<boolean> {
  const { limitMs = LIMIT_MS, reportAfterMs = REPORT_AFTER_MS } = options;
  const report = (message: string): void => {
    options.warn?.(message);
    slow.publish(message);
  };
  const { awaits } = await runOne(client, 'checks/awaits-standby');
  if (!awaits) return true;
  const pid = await backendOf(client);
  const ends: Promise<boolean>[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const after = (ms: number, act: () => void): void => {
    timers.add(setTimeout(act, ms).unref());
  };
  const giveUp = (): void => {
    ends.push(endStandbyWaitOf(client, pid).catch(() => false));
    after(AGAIN_MS, giveUp);
  };
  after(reportAfterMs, () =>
    report('waiting for the synchronous standby to confirm what was committed; no lock is held'),
  );
  after(limitMs, giveUp);
  expectAnswersWithin(client, null);
  try {
    await runOne(client, 'checks/confirm-on-standby');
  } catch (error) {
    if (sqlStateOf(error) !== '42501') throw toNamedError(error);
    report(`whether the synchronous standby has what was committed is not known: ${messageOf(error)}`);
    return false;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
  // The wait may be over before the session that ended it gets its own answer.
  const confirmed = !(await Promise.all(ends)).includes(true);
  if (!confirmed)
    report(
      `what was committed is on this server, and the synchronous standby has not confirmed it within ${Math.round(limitMs / 1_000)} s: until it does, a failover to it would lose it`,
    );
  return confirmed;
}

/** A step that the standby has not confirmed. */
export interface Unconfirmed {
  readonly migrationId: string;
  /** Null for a person's command. */
  readonly execution: string | null;
  /** The last sentence of {@link STANDBY_SLOW}. */
  readonly message: string;
}

/**
 * Notes in the ledger what {@link confirmOnStandby} has reported, for the report of the execution. The step is done, so a failure
 * to note it within two seconds changes nothing, and is only logged.
 */
export async function noteUnconfirmed(
  client: Client,
  { migrationId, execution, message }: Unconfirmed,
  warn: (message: string) => void,
): Promise<void> {
  // Also where the server does not answer at all.
  expectAnswersWithin(client, 2 * NOTE_MS);
  const note = { execution, pair: null, step: NOTE_STEP, sql: null, durationMs: null, error: message };
  try {
    await inTransaction(client, async () => {
      // The step may have left the session without a lock_timeout.
      await client.query("SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true)", [
        String(NOTE_MS),
      ]);
      await noteEvent(client, migrationId, note);
    });
  } catch (error) {
    warn(`the ledger does not say that the standby has not confirmed it: ${messageOf(error)}`);
  }
}
