/** Reads what a report is made of: the execution through the AWS SDK's client, wherever it ran, and the ledger. */
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  DescribeStateMachineForExecutionCommand,
  type HistoryEvent,
  paginateGetExecutionHistory,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { connectReadOnly, describeTarget } from '../../core/connection.ts';
import type { Trail } from '../../core/trail/contracts.ts';
import { readTrail } from '../../core/trail/trail.ts';
import type { ReportSources } from '../../report/report.ts';
import { createHistoryReader } from '../executions/history.ts';
import { outcomeOf } from '../executions/watch.ts';
import { resultOf } from '../outcome.ts';
import { advance } from '../progress/progress.ts';
import { NOTHING_YET, type Progress, seenIn } from '../progress/state.ts';
import { redact } from '../redact.ts';
import { version } from '../version.ts';

export interface SourceOptions {
  readonly client: SFNClient;
  readonly executionArn: string;
  readonly databaseUrl: string | undefined;
  /** False: the database is not asked, and the report says so. */
  readonly withLedger: boolean;
}

/** @throws what the SDK throws where the execution cannot be read; a ledger that cannot be read is only noted */
export async function readSources(options: SourceOptions): Promise<ReportSources> {
  const { client, executionArn } = options;
  const execution = await client.send(new DescribeExecutionCommand({ executionArn }));
  const { definition = '' } = await client.send(new DescribeStateMachineForExecutionCommand({ executionArn }));
  const history = await readWholeHistory(client, executionArn);
  const progress = progressOf(history);
  const ledger = options.withLedger ? await readLedger(options, progress) : NOT_ASKED;
  return {
    execution,
    history,
    definition,
    trail: ledger.trail,
    verdict: verdictOf(execution, progress),
    version,
    now: new Date(),
    notes: ledger.note === null ? [] : [ledger.note],
    clean: redact,
  };
}

async function readWholeHistory(client: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  const pages = paginateGetExecutionHistory({ client, pageSize: 1000 }, { executionArn, includeExecutionData: true });
  for await (const page of pages) events.push(...(page.events ?? []));
  return events;
}

function progressOf(history: readonly HistoryEvent[]): Progress {
  return createHistoryReader()
    .read(history)
    .reduce((progress, event) => advance(progress, event).progress, NOTHING_YET);
}

function verdictOf(execution: DescribeExecutionOutput, progress: Progress): ReportSources['verdict'] {
  const outcome = outcomeOf(execution);
  if (outcome === null) return null;
  const executionArn = execution.executionArn ?? null;
  const { status, error } = resultOf({
    executionArn,
    outcome,
    durationMs: 0,
    seen: seenIn(progress),
    ledger: null,
  }).report;
  return { status, error };
}

interface Ledger {
  readonly trail: Trail | null;
  readonly note: string | null;
}

const NOT_ASKED: Ledger = { trail: null, note: null };

async function readLedger({ databaseUrl }: SourceOptions, progress: Progress): Promise<Ledger> {
  const migrationId = progress.plan?.migrationId ?? null;
  if (progress.plan === null || migrationId === null) return NOT_ASKED;
  const target = whereTo(databaseUrl);
  try {
    const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk report', snapshot: true });
    try {
      const trail = await readTrail(client, migrationId, target);
      const { table, constraint } = progress.plan;
      if (trail.migration.table === table && trail.migration.constraint === constraint) return { trail, note: null };
      const other = `migration ${migrationId} there is of ${trail.migration.constraint} on ${trail.migration.table}`;
      return { trail: null, note: `The database at ${target} is another one: ${other}.` };
    } finally {
      await client.end();
    }
  } catch (error) {
    return { trail: null, note: `The ledger at ${target} could not be read: ${redact(messageOf(error))}.` };
  }
}

/** A URL that cannot be read is told by what connects with it. */
function whereTo(databaseUrl: string | undefined): string {
  try {
    return describeTarget(databaseUrl);
  } catch {
    return 'the database';
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
