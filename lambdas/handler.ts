/**
 * The handler that all functions share: it parses the event, opens one session, runs one step of `core/`, logs, and gives errors
 * their names.
 */
import type { Client } from 'pg';
import * as z from 'zod';
import { describeError, type P2pfkError } from '../core/contracts/errors.ts';
import { PlannedDatabase } from '../core/contracts/steps/events.ts';
import { explainLockedRow } from '../core/ledger/locked-rows.ts';
import { explainMissingRelation } from '../core/ledger/missing-relation.ts';
import { requirePlannedDatabase } from '../core/ledger/schema/identity.ts';
import { confirmOnStandby, noteUnconfirmed } from '../core/ledger/standby-commit.ts';
import { toNamedError } from '../core/postgres/postgres-errors.ts';
import { applicationName } from '../core/steps/context.ts';
import type { LambdaFunction } from '../core/steps/step.ts';
import { openSession } from './database.ts';
import { ledgerOwnerOf } from './ledger-owner.ts';
import { logger } from './logger.ts';
import { measureApproval, measureFailure, measureForecast, measureResult, publish } from './metrics.ts';
import { isReadinessProbe, READY } from './readiness.ts';

/** The part of Lambda's context that is used; an engine may leave out either field. */
export interface HandlerContext {
  readonly awsRequestId?: string;
  getRemainingTimeInMillis?(): number;
}

/** A Lambda function: event in, result out; every error that it throws is a P2pfkError, whose name is the ASL error name. */
export type LambdaHandler = (event: unknown, context?: HandlerContext) => Promise<unknown>;

/** How long a handler may run where the engine does not limit it: the longest time that Lambda allows. */
const DEFAULT_ALLOWANCE_MS = 15 * 60 * 1000;

/**
 * A step waits at most this long for a synchronous standby to confirm its commits, and reserves this much of its time for after
 * that.
 */
const STANDBY_LIMIT_MS = 60_000;
const STANDBY_RESERVE_MS = 10_000;

/** Where a call has its sessions from. */
export interface Sessions {
  open(applicationName: string, ledgerOwner: string | undefined): Promise<Client>;
  /** @param isFailed the call has failed, or what it did in the session is not known */
  close(session: Client, isFailed: boolean): Promise<void>;
}

/** A new session each time: Lambda freezes a function between two calls, and with it a session that it would keep. */
export const NEW_SESSIONS: Sessions = {
  open: openSession,
  close: (session) => session.end().catch(() => undefined),
};

/**
 * Makes the handler of one function.
 *
 * @param sessionsOf the sessions of an execution; undefined: the call belongs to none
 *
 * @example
 * export const handler = handlerOf(defineFunction('reconcile', ReconcileEvent, reconcile));
 */
export function handlerOf(
  { name, prepare }: LambdaFunction,
  sessionsOf: (execution: string | undefined) => Sessions = () => NEW_SESSIONS,
): LambdaHandler {
  return async (event, context = {}) => {
    if (isReadinessProbe(event)) return READY;
    const startedAt = Date.now();
    const endsAt = startedAt + (context.getRemainingTimeInMillis?.() ?? DEFAULT_ALLOWANCE_MS);
    let client: Client | undefined;
    let sessions = NEW_SESSIONS;
    let isFailed = true;
    let migrationId: string | undefined;
    try {
      const call = prepare(event);
      const identity =
        z
          .object({
            migrationId: z.string(),
            pair: z.number(),
            execution: z.string(),
            database: PlannedDatabase.nullable(),
          })
          .partial()
          .safeParse(call.event).data ?? {};
      migrationId = identity.migrationId;
      const { database, ...subject } = identity;
      const log = logger(name, { ...subject, ...(context.awsRequestId ? { requestId: context.awsRequestId } : {}) });
      const ledgerOwner = ledgerOwnerOf(call.event, identity.execution);
      sessions = sessionsOf(identity.execution);
      const { close } = sessions;
      const open = (session: string) => openPlanned(sessions, session, { ledgerOwner, planned: database });
      client = await open(applicationName(identity.migrationId ?? '-', name, identity.pair));
      log.info('step entered');
      const result = await call.run({
        client,
        logger: log,
        remainingMs: () => endsAt - Date.now(),
        openSession: open,
        closeSession: (session) => close(session, false),
      });
      await confirmStep(client, { ...subject, ...migrationOf(result) }, endsAt, (message) => log.warn(message));
      log.info('step done', { result });
      measureResult(name, result);
      // A failed measurement must not fail a step that is done.
      await measureForecast(client, name, identity.migrationId).catch(() => undefined);
      await measureApproval(client, name, identity.migrationId, startedAt).catch(() => undefined);
      isFailed = false;
      return result;
    } catch (error) {
      // Lambda and the local engine report only name and message, so the message has to contain everything.
      const named = await explain(client, migrationId, toNamedError(error));
      named.message = describeError(named);
      logger(name, {}).warn('step failed', { error: named.name, reason: named.message });
      measureFailure(name, named);
      throw named;
    } finally {
      publish();
      if (client) await sessions.close(client, isFailed);
    }
  };
}

/**
 * Waits for a synchronous standby, within the function's time; if the standby does not confirm the step, that is noted in the
 * ledger.
 */
async function confirmStep(
  client: Client,
  { migrationId, execution }: { readonly migrationId?: string | undefined; readonly execution?: string | undefined },
  endsAt: number,
  warn: (message: string) => void,
): Promise<void> {
  let last = '';
  const confirmed = await confirmOnStandby(client, {
    limitMs: Math.min(STANDBY_LIMIT_MS, Math.max(1_000, endsAt - Date.now() - STANDBY_RESERVE_MS)),
    warn: (message) => {
      last = message;
      warn(message);
    },
  });
  if (!confirmed && migrationId !== undefined)
    await noteUnconfirmed(client, { migrationId, execution: execution ?? null, message: last }, warn);
}

/** The migration's id in a result: the plan's event names a table, and its result which migration that is. */
function migrationOf(result: unknown): { readonly migrationId?: string } {
  const { migrationId } = z.object({ migrationId: z.string() }).safeParse(result).data ?? {};
  return migrationId === undefined ? {} : { migrationId };
}

/** Opens a session, and checks that it is in the database that the plan was made in, if the event names one. */
async function openPlanned(
  { open, close }: Sessions,
  session: string,
  {
    ledgerOwner,
    planned,
  }: { readonly ledgerOwner: string | undefined; readonly planned: PlannedDatabase | null | undefined },
): Promise<Client> {
  const client = await open(session, ledgerOwner);
  try {
    if (planned) await requirePlannedDatabase(client, planned);
    return client;
  } catch (error) {
    await close(client, true);
    throw error;
  }
}

/** A clearer error where a row of the ledger is locked, or the ledger or a table is missing; the same error where the session is lost and cannot be asked. */
async function explain(
  client: Client | undefined,
  migrationId: string | undefined,
  error: P2pfkError,
): Promise<P2pfkError> {
  if (client === undefined) return error;
  const explained = await explainLockedRow(client, error).catch(() => error);
  if (migrationId === undefined) return explained;
  return explainMissingRelation(client, migrationId, explained).catch(() => explained);
}
