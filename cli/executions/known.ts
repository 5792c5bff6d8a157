/** Executions that are found without their ARN: those of a state machine in AWS, or those that are kept on this machine. */
import { GetExecutionHistoryCommand, ListExecutionsCommand, type SFNClient } from '@aws-sdk/client-sfn';
import type { PlannedDatabase } from '../../core/contracts/steps/events.ts';
import { inputOf } from '../../core/history/json.ts';
import { planOf, readHistory } from '../../core/history/read-history.ts';
import { type DatabaseIdentity, isSameDatabase, isSamePlace } from '../../core/ledger/schema/identity.ts';
import { STATE_MACHINE_ARN } from '../../local/step-functions/arns.ts';
import { existingStore } from '../../local/store/existing-store.ts';
import { reportOf } from '../outcome.ts';
import { stringOf } from '../progress/events.ts';
import { createClient, listFailure, regionOf } from './client.ts';
import { type Connection, connectToStore } from './connection.ts';
import { type Described, describe } from './describe.ts';
import { plannedDatabaseIn } from './planned.ts';
import { outcomeOf } from './watch.ts';

export interface SourceFlags {
  readonly stateMachine?: string;
  readonly stateDir?: string;
  readonly region?: string;
  readonly awsProfile?: string;
  readonly endpointUrl?: string;
}

/** Where executions are listed. */
export interface Source extends Pick<Connection, 'client' | 'close'> {
  readonly stateMachineArn: string;
  readonly place: 'local' | 'aws';
  /** The database that an execution was started on, where that is known without its plan. */
  readonly databaseOf?: (executionArn: string) => PlannedDatabase | null;
}

/**
 * The state machine that was named, or the one at an endpoint of `p2pfk serve`, or the store of this machine.
 *
 * @returns null where no execution was ever kept on this machine
 * @throws InvalidInput where it is no state machine's ARN
 */
export async function openSource(flags: SourceFlags, warn: (line: string) => void): Promise<Source | null> {
  if (flags.stateMachine === undefined && flags.endpointUrl === undefined) return openOwnStore(flags, warn);
  const stateMachineArn = flags.stateMachine ?? STATE_MACHINE_ARN;
  const client = createClient(flags, regionOf(stateMachineArn, 'stateMachine'));
  return { client, stateMachineArn, place: 'aws', close: () => client.destroy() };
}

export async function openOwnStore({ stateDir }: SourceFlags, warn: (line: string) => void): Promise<Source | null> {
  const store = existingStore(stateDir);
  if (store === null) return null;
  const { client, close } = await connectToStore(store, warn);
  const databaseOf = (arn: string) => store.databaseOf(arn);
  return { client, stateMachineArn: STATE_MACHINE_ARN, place: 'local', databaseOf, close };
}

/** Where an execution worked, compared with a database. */
export type Whereabouts = 'same' | 'other' | 'unknown';

export interface KnownExecution {
  readonly executionArn: string;
  readonly name: string;
  readonly place: Source['place'];
  /** Status of Step Functions, such as `RUNNING`. */
  readonly status: string;
  /** How it ended, such as `MIGRATED` or `PAUSED`; `RUNNING` where it has not. */
  readonly outcome: string;
  readonly operation: 'migrate' | 'rollback';
  /** As its plan has it: schema-qualified, quoted where needed. As its input has it, where it came to no plan. */
  readonly table: string;
  readonly isPlanned: boolean;
  readonly constraint: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly tookMs: number | null;
  readonly startedBy: string | null;
  readonly reason: string | null;
  /** Null where it came to no plan and ran elsewhere, or an older edition ran it. */
  readonly database: PlannedDatabase | null;
}

/** Requests at a time: the limits of the API are for the whole account. */
const TOGETHER = 5;

/**
 * Executions of a source, the newest first, as they are asked for.
 *
 * @param most of those that are looked at
 * @throws InvalidInput, one line for each error of the SDK
 */
export async function* newestFirst(source: Source, most: number): AsyncGenerator<KnownExecution> {
  let batch: string[] = [];
  for await (const { executionArn } of itemsOf(source, most)) {
    batch.push(executionArn);
    if (batch.length < TOGETHER) continue;
    yield* await Promise.all(batch.map((arn) => readKnown(source, arn)));
    batch = [];
  }
  yield* await Promise.all(batch.map((arn) => readKnown(source, arn)));
}

export interface Item {
  readonly executionArn: string;
  readonly name: string;
}

/** Names of executions, the newest first. @throws InvalidInput, one line for each error of the SDK */
export async function* itemsOf({ client, stateMachineArn }: Source, most: number): AsyncGenerator<Item> {
  let left = most;
  let nextToken: string | undefined;
  do {
    const page = await client
      .send(
        new ListExecutionsCommand({
          stateMachineArn,
          maxResults: Math.min(left, 100),
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      )
      .catch((error: unknown) => {
        throw listFailure(error);
      });
    for (const { executionArn = '', name = '' } of page.executions ?? []) yield { executionArn, name };
    left -= page.executions?.length ?? 0;
    nextToken = page.nextToken;
  } while (nextToken !== undefined && left > 0);
}

async function readKnown({ client, place, databaseOf }: Source, executionArn: string): Promise<KnownExecution> {
  const described = await describe(client, executionArn);
  const { status = '', name = '', startDate, stopDate, input, operation, table } = described;
  const plan = await plannedOf(client, executionArn);
  const tookMs =
    startDate === undefined || Number.isNaN(startDate.getTime())
      ? null
      : (stopDate ?? new Date()).getTime() - startDate.getTime();
  const planned = stringOf(plan?.table);
  return {
    executionArn,
    name,
    place,
    status,
    outcome: endOf(described, plan),
    operation,
    table: planned || table,
    isPlanned: planned !== '',
    constraint: stringOf(plan?.constraint) || stringOf(inputOf(input).constraint) || null,
    startedAt: isoOf(startDate),
    endedAt: isoOf(stopDate),
    tookMs,
    startedBy: stringOf(inputOf(input).by) || null,
    reason: stringOf(inputOf(input).reason) || null,
    database: plan?.database ?? databaseOf?.(executionArn) ?? null,
  };
}

interface Planned {
  readonly table: unknown;
  readonly constraint: unknown;
  readonly database: PlannedDatabase | null;
}

/** The plan is the first state; a lock or a connection that was lost may have it tried again. */
const FIRST_EVENTS = 100;

/** Null where the beginning of the history has no plan, or cannot be read: a list does not fail because of one execution. */
async function plannedOf(client: SFNClient, executionArn: string): Promise<Planned | null> {
  try {
    const { events = [] } = await client.send(
      new GetExecutionHistoryCommand({ executionArn, maxResults: FIRST_EVENTS, includeExecutionData: true }),
    );
    const history = readHistory(events);
    const { table, constraint } = planOf(history);
    return table === undefined ? null : { table, constraint, database: plannedDatabaseIn(history) };
  } catch {
    return null;
  }
}

function endOf(described: Described, plan: Planned | null): string {
  const { executionArn, operation, status = '' } = described;
  // Of one that failed past every Catch, whether it came to a plan decides if anything may have been changed.
  const seen = { planned: plan !== null, migrationId: null, failure: null, pairs: [], verified: false };
  try {
    const outcome = outcomeOf(described);
    if (outcome === null) return status;
    return reportOf({ executionArn, operation, outcome, durationMs: 0, seen, ledger: null }).status;
  } catch {
    // Its output is no JSON.
    return status;
  }
}

/** Null also for what is no time: a file of this machine may hold anything. */
function isoOf(date: Date | undefined): string | null {
  return date === undefined || Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/**
 * Whether an execution worked on this database. Of an execution of this machine, another name or endpoint is
 * another database; the functions of a stack may reach the same one by an endpoint of their own.
 */
export function whereabouts({ database, place }: KnownExecution, here: DatabaseIdentity): Whereabouts {
  if (database === null) return 'unknown';
  if (isSameDatabase(database, here)) return 'same';
  const isProven =
    database.databaseOid !== here.databaseOid || (database.systemIdentifier !== null && here.systemIdentifier !== null);
  return isProven || place === 'local' ? 'other' : 'unknown';
}

/** Whether it worked on this database by this endpoint: by another one it may have been a copy. */
export function isRightHere({ database }: KnownExecution, here: DatabaseIdentity): boolean {
  return database !== null && isSamePlace(database, here);
}
