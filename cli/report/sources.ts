/** Reads what a report is made of: the execution through the AWS SDK's client, wherever it ran, and the ledger. */
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  DescribeStateMachineForExecutionCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import type { Client } from 'pg';
import { messageOf } from '../../core/contracts/errors.ts';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { withheld } from '../../core/contracts/redact.ts';
import { PlannedDatabase } from '../../core/contracts/steps/events.ts';
import type { Trail } from '../../core/contracts/trail.ts';
import { readHistory } from '../../core/history/read-history.ts';
import { connectReadOnly, describeTarget } from '../../core/ledger/connect.ts';
import { readTrail } from '../../core/ledger/read-trail.ts';
import {
  describeIdentity,
  isSameDatabase,
  isSameEndpoint,
  isSamePlace,
  readIdentity,
} from '../../core/ledger/schema/identity.ts';
import { readLink } from '../../core/ledger/schema/state.ts';
import { otherExecutions } from '../../report/reading/executions.ts';
import type { ReportSources } from '../../report/report.ts';
import { outcomeOf } from '../executions/watch.ts';
import { readWholeHistory } from '../executions/whole-history.ts';
import { reportOf } from '../outcome.ts';
import { progressOf } from '../progress/events.ts';
import { advance } from '../progress/progress.ts';
import { NOTHING_YET, type Progress, seenIn } from '../progress/state.ts';
import { version } from '../version.ts';

/**
 * Whether the database that was given is the one that the execution worked on, by the same endpoint: another one may lead to a
 * copy. `unknown`: out of reach, or not recorded.
 */
export type Place = 'same' | 'other' | 'unknown';

export interface PlacedSources extends ReportSources {
  readonly place: Place;
}

export interface SourceOptions {
  readonly client: SFNClient;
  readonly executionArn: string;
  readonly databaseUrl: string | undefined;
  /** False: the database is not asked, and the report says so. */
  readonly withLedger: boolean;
}

/** @throws what the SDK throws where the execution cannot be read; a ledger that cannot be read is only noted */
export async function readSources(options: SourceOptions): Promise<PlacedSources> {
  const { client, executionArn } = options;
  const execution = await client.send(new DescribeExecutionCommand({ executionArn }));
  const { definition = '' } = await client.send(new DescribeStateMachineForExecutionCommand({ executionArn }));
  const history = await readWholeHistory(client, executionArn);
  const progress = progressThrough(history);
  const ledger = options.withLedger ? await readLedger(options, progress) : NOT_ASKED;
  return {
    execution,
    history,
    definition,
    trail: ledger.trail,
    others: ledger.trail === null ? [] : await describeOthers(client, otherExecutions(ledger.trail, executionArn)),
    verdict: verdictOf(execution, progress),
    version,
    now: new Date(),
    notes: ledger.note === null ? [] : [ledger.note],
    clean: withheld,
    place: ledger.place,
  };
}

function progressThrough(history: readonly HistoryEvent[]): Progress {
  return readHistory(history)
    .events.flatMap(progressOf)
    .reduce((progress, event) => advance(progress, event).progress, NOTHING_YET);
}

function verdictOf(execution: DescribeExecutionOutput, progress: Progress): ReportSources['verdict'] {
  const outcome = outcomeOf(execution);
  if (outcome === null) return null;
  const executionArn = execution.executionArn ?? null;
  const { status, error } = reportOf({
    executionArn,
    outcome,
    durationMs: 0,
    seen: seenIn(progress),
    ledger: null,
  });
  return { status, error };
}

/** Those whose history has expired, or that ran where this client does not look, are left out: the ledger has their notes. */
async function describeOthers(client: SFNClient, arns: readonly string[]): Promise<DescribeExecutionOutput[]> {
  const described: DescribeExecutionOutput[] = [];
  for (const executionArn of arns.slice(-MOST_OTHERS)) {
    const found = await client.send(new DescribeExecutionCommand({ executionArn })).catch(() => null);
    if (found !== null) described.push(found);
  }
  return described;
}

/** A weekly window that never got through: the newest ones are described. */
const MOST_OTHERS = 50;

interface Ledger {
  readonly trail: Trail | null;
  readonly note: string | null;
  readonly place: Place;
}

const NOT_ASKED: Ledger = { trail: null, note: null, place: 'unknown' };

async function readLedger({ databaseUrl }: SourceOptions, progress: Progress): Promise<Ledger> {
  const migrationId = progress.plan?.migrationId ?? null;
  const target = whereTo(databaseUrl);
  const planned = plannedDatabase(progress);
  if (progress.plan === null || (migrationId === null && planned === null)) return NOT_ASKED;
  let place: Place = 'unknown';
  try {
    const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk report', snapshot: true });
    try {
      const here = await readIdentity(client);
      if (planned !== null && !isSameDatabase(planned, here))
        return { trail: null, note: await elsewhere(client, target, planned, here), place: 'other' };
      place = planned === null ? 'unknown' : isSamePlace(planned, here) ? 'same' : 'other';
      if (migrationId === null) return { trail: null, note: null, place };
      const trail = await readTrail(client, migrationId, target);
      const { table, constraint } = progress.plan;
      if (trail.migration.table === table && trail.migration.constraint === constraint)
        return { trail, note: await doubtOf(client, planned, here), place };
      const other = `migration ${migrationId} there is of ${trail.migration.constraint} on ${trail.migration.table}`;
      return { trail: null, note: `The database at ${target} is another one: ${other}.`, place: 'other' };
    } finally {
      await client.end();
    }
  } catch (error) {
    return {
      trail: null,
      note: `The ledger at ${target} could not be read: ${messageOf(error).replace(/\.$/, '')}.`,
      place,
    };
  }
}

/** Null for an execution of an older edition, which did not record it. */
function plannedDatabase({ plan }: Progress): PlannedDatabase | null {
  return PlannedDatabase.safeParse(plan?.database).data ?? null;
}

async function elsewhere(
  client: Client,
  target: string,
  planned: PlannedDatabase,
  here: PlannedDatabase,
): Promise<string> {
  const hasNone = (await readLink(client).catch(() => undefined)) === null;
  const unread = hasNone
    ? `The ledger at ${target} could not be read: the database at ${target} has no ledger of p2pfk that this role may read. `
    : '';
  return `${unread}This execution worked on ${describeIdentity(planned)}. The database that was given is another one: ${describeIdentity(here)}. It was not read, and this report does not certify it.`;
}

/** What may make a reader doubt that the ledger is that of the execution. */
async function doubtOf(client: Client, planned: PlannedDatabase | null, here: PlannedDatabase): Promise<string | null> {
  if (planned === null)
    return `This execution was run by an edition that did not record its database. The ledger that was read is that of ${describeIdentity(here)}, which has a migration of the same number, table and constraint.`;
  if (isSameEndpoint(planned.endpoint, here.endpoint) || (await readLink(client))?.endpointKnown) return null;
  return `The ledger was read at ${here.endpoint}, which it does not know; the execution worked at ${planned.endpoint}. If this is a copy of that database (a snapshot, a clone, a promoted standby), then what is said here of the present is about the copy.`;
}

/** A URL that cannot be read is told by what connects with it. */
function whereTo(databaseUrl: string | undefined): string {
  try {
    return describeTarget(databaseUrl);
  } catch {
    return 'the database';
  }
}
