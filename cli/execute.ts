/** One local execution with its progress, from the connection check to report and exit code. */
import { connect } from '../core/connection.ts';
import type { ExecutionInput } from '../core/contracts.ts';
import { ExitCode } from '../core/errors.ts';
import { readMigrationReport } from '../core/ledger.ts';
import type { Handlers } from '../local/engine.ts';
import { runLocally } from '../local/executions.ts';
import { onInterrupt } from './interrupt.ts';
import { type LedgerReport, type Result, resultOf } from './outcome.ts';
import type { Output } from './output.ts';
import { closingLines } from './progress/closing.ts';
import { createReporter, type ProgressReporter } from './progress/reporter.ts';
import { type Progress, seenIn } from './progress/state.ts';
import { shellWord } from './text.ts';

export interface ExecuteOptions {
  readonly input: ExecutionInput;
  readonly databaseUrl: string | undefined;
  readonly output: Output;
  readonly verbose?: boolean | undefined;
}

/** Runs the state machine in this process and prints everything but the JSON document. */
export async function execute({ input, databaseUrl, output, verbose }: ExecuteOptions): Promise<Result> {
  // Before anything else: no server, a wrong password or an unknown database is told at once and in one line.
  await checkConnection(databaseUrl);

  const reporter = await createReporter({ output, verbose });
  const interruption = onInterrupt(() => {
    reporter.announce('Stopping: no further step starts. Ctrl-C again leaves at once.');
    reporter.announce(
      `The same command goes on from here; this undoes it: p2pfk rollback --table ${shellWord(input.table)}`,
    );
  });
  try {
    const result = await runWithProgress({ input, databaseUrl, reporter, signal: interruption.signal });
    reporter.stop();
    if (result.exitCode === ExitCode.BadInput) output.complain(`p2pfk: ${result.report.error?.message ?? ''}`);
    else {
      const context = { operation: input.operation, table: input.table, progress: reporter.progress };
      for (const line of closingLines(result.report, context)) output.line(line);
    }
    const stopped = interruption.exitCode !== null && result.report.error?.name === 'Interrupted';
    return stopped ? { ...result, exitCode: interruption.exitCode } : result;
  } finally {
    reporter.stop();
    interruption.dispose();
  }
}

export interface RunOptions {
  readonly input: ExecutionInput;
  readonly databaseUrl: string | undefined;
  readonly reporter: ProgressReporter;
  readonly signal?: AbortSignal;
  /** Instead of the real ones: the demo's, which do damage. */
  readonly handlers?: Handlers;
}

/** The execution itself and its result; what is printed on the way is the reporter's. */
export async function runWithProgress({ input, databaseUrl, reporter, signal, handlers }: RunOptions): Promise<Result> {
  const { executionArn, outcome, durationMs } = await runLocally({
    input,
    onEvent: reporter.onEvent,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(signal === undefined ? {} : { signal }),
    ...(handlers === undefined ? {} : { handlers }),
  });
  const ledger = await readLedger(databaseUrl, reporter.progress);
  return resultOf({ executionArn, outcome, durationMs, seen: seenIn(reporter.progress), ledger });
}

async function checkConnection(databaseUrl: string | undefined): Promise<void> {
  const client = await connect({ databaseUrl, applicationName: 'p2pfk' });
  await client.end();
}

/** What the ledger says, or null where there is no migration or the database is out of reach by now. */
async function readLedger(databaseUrl: string | undefined, progress: Progress): Promise<LedgerReport | null> {
  const migrationId = progress.plan?.migrationId ?? null;
  if (migrationId === null) return null;
  try {
    const client = await connect({ databaseUrl, applicationName: 'p2pfk report' });
    try {
      return await readMigrationReport(client, migrationId);
    } finally {
      await client.end();
    }
  } catch {
    // The outcome is known without it, and it must be told: the report then has what the events told.
    return null;
  }
}
