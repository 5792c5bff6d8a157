/**
 * The pace that a person has set since the execution began. Each step asks before it begins work on a pair, and where it may not, returns as where
 * load holds it back: the state machine waits and calls again. How many pairs are worked on at once is counted by the advisory locks that the
 * sessions hold which work on them, so a function that dies takes no place. A statement that runs is never interrupted, and a rollback does not ask.
 */
import type { Client } from 'pg';
import { lookWhileHeld } from '../contracts/event-budget.ts';
import { LEASE_SECONDS } from '../contracts/lease.ts';
import { byWhomSince, type Hold, type Pace, paceOf, refuseLongHold, sinceMs } from '../contracts/pace.ts';
import { holdRandomKey } from '../ledger/liveness.ts';
import { extendLease, type Migration } from '../ledger/migrations.ts';
import { readPairs } from '../ledger/pairs.ts';
import { run, runOne } from '../postgres/sql.ts';

/** Why work on a pair is not begun, and when to ask again. */
export interface NotNow {
  readonly note: string;
  readonly waitSeconds: number;
}

type Owned = Pick<Migration, 'id' | 'execution'>;

/**
 * Whether work on an object may begin now, for a step that has just read its migration: most have no limit and no hold, and no question more.
 *
 * @param object oid of the table or constraint; where a session works on it already, that is no new work
 * @returns undefined where it may
 * @throws Held where a hold has lasted for a day
 */
export async function whyNotNow(
  client: Client,
  migration: Owned & Pick<Migration, 'options'>,
  object: number,
): Promise<NotNow | undefined> {
  return migration.options.pace === undefined ? undefined : askAnew(client, migration, object);
}

/**
 * The same, with the ledger read anew.
 *
 * @throws Held where a hold has lasted for a day
 */
async function askAnew(client: Client, migration: Owned, object: number): Promise<NotNow | undefined> {
  const asked = await runOne(client, 'ledger/slots', { migration_id: migration.id, object });
  if (asked.is_running) return undefined;
  const pace = paceOf(asked.options);
  const { hold, throttle, limit } = pace;
  if (hold !== null) return heldBack(client, migration, pace, hold);
  if (throttle === null || asked.others < limit) return undefined;
  const note = `${asked.others} of ${limit} pairs side by side are at work, the limit that was set ${byWhomSince(throttle)}`;
  return { note, waitSeconds: await waitFor(client, migration, pace, throttle) };
}

/**
 * The result of a step while a person holds the execution.
 *
 * @throws Held where the hold has lasted for a day
 */
export async function heldBack(client: Client, migration: Owned, pace: Pace, hold: Hold): Promise<NotNow> {
  refuseLongHold(hold, Date.now());
  return { note: `held ${byWhomSince(hold)}`, waitSeconds: await waitFor(client, migration, pace, hold) };
}

/** Seconds until the step asks again; until then the lease shows that the owner lives. */
async function waitFor(client: Client, { id, execution }: Owned, pace: Pace, wish: Hold): Promise<number> {
  const waited = sinceMs(wish, Date.now()) / 1_000;
  const seconds = lookWhileHeld(waited, pace.limitAtStart, await readPairs(client, id));
  await extendLease(client, id, execution, seconds + LEASE_SECONDS);
  return seconds;
}

/** Seconds that are added at random where two sessions asked for the last place at the same moment: the next time they do not. */
const APART_SECONDS = 5;

/**
 * The same for a session that has noted its work in `p2pfk.running` just now. Each session that noted its work before it asks is counted by all
 * others that ask later, so of several that ask at once too few may begin, and never too many.
 */
export async function whyNotBegun(session: Client, migration: Owned, object: number): Promise<NotNow | undefined> {
  const notNow = await askAnew(session, migration, object);
  return notNow && { ...notNow, waitSeconds: notNow.waitSeconds + Math.floor(Math.random() * APART_SECONDS) };
}

/** A place of a session that goes on behind the work. */
export interface Place {
  give(): Promise<void>;
}

/**
 * Takes a place for work on an object in this session, and keeps it until it is given back or the session ends.
 *
 * @returns why not, where no place is free
 */
export async function takePlace(client: Client, migration: Owned, object: number): Promise<Place | NotNow> {
  const key = await holdRandomKey(client);
  const give = async (): Promise<void> => {
    try {
      await run(client, 'ledger/end-run', { object, liveness_key: key });
      await run(client, 'ledger/release-key', { liveness_key: key });
    } catch {
      // The session is lost, and its locks with it.
    }
  };
  const claimed = await run(client, 'ledger/claim-run', { object, migration_id: migration.id, liveness_key: key });
  const notNow =
    claimed.length === 0
      ? { note: 'another session still works on this pair', waitSeconds: APART_SECONDS }
      : await whyNotBegun(client, migration, object);
  if (notNow === undefined) return { give };
  await give();
  return notNow;
}
