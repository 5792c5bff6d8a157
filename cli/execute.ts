/**
 * One local execution with its progress, from the connection check to report and exit code. It goes the way of one in
 * AWS: started, followed and stopped through the SDK's client, on an endpoint in this process.
 */
import { type SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { readReaders } from '../core/checks/readers.ts';
import type { MigrationReport } from '../core/contracts/documents.ts';
import type { ExecutionInput } from '../core/contracts/execution-input.ts';
import { connectReadOnly } from '../core/ledger/connect.ts';
import { readMigrationReport } from '../core/ledger/migrations.ts';
import { readPairs } from '../core/ledger/pairs.ts';
import { type DatabaseIdentity, readIdentity } from '../core/ledger/schema/identity.ts';
import type { Handlers } from '../local/engine/engine.ts';
import { executionName } from '../local/executions.ts';
import { openLocalEndpoint, openStore } from '../local/local-endpoint.ts';
import { STATE_MACHINE_ARN } from '../local/step-functions/arns.ts';
import type { ExecutionStore } from '../local/store/execution-store.ts';
import { localPause } from './executions/connection.ts';
import { startExecution } from './executions/start.ts';
import { watchExecution } from './executions/watch.ts';
import { ExitCode, exitCodeOfReport } from './exit-codes.ts';
import type { ExecutionObserver } from './hooks/guarded.ts';
import type { Hooks } from './hooks/hooks.ts';
import { onInterrupt } from './interrupt.ts';
import { type LedgerReport, ROLLBACK_FINISHED, reportOf } from './outcome.ts';
import type { Output } from './output.ts';
import { closingLines } from './progress/closing.ts';
import { createReporter, type ProgressReporter } from './progress/reporter.ts';
import { type PairSize, type Progress, seenIn } from './progress/state.ts';
import type { PendingReport } from './report/write.ts';
import { surviveStrayErrors } from './stray-errors.ts';
import { executionInWords, shellWord } from './text.ts';

export interface ExecuteOptions {
  readonly input: ExecutionInput;
  readonly databaseUrl: string | undefined;
  readonly stateDir: string | undefined;
  readonly output: Output;
  readonly verbose?: boolean | undefined;
  /** What commands to copy have behind `--table T`; see samePlace. */
  readonly place?: string;
  /** Where a report of the execution is to go. */
  readonly reportFile?: string;
  /** The caller closes them. */
  readonly hooks?: Hooks | null;
}

export interface Result {
  readonly report: MigrationReport;
  readonly exitCode: ExitCode;
}

/**
 * Runs the state machine in this process and prints everything but the JSON document. A migration that first had to finish a rollback
 * that was half done is begun after it.
 */
export async function execute(options: ExecuteOptions): Promise<Result> {
  const first = await executeOnce(options);
  if (first.report.error?.name !== ROLLBACK_FINISHED) return first;
  options.output.line();
  options.output.line('The migration begins now.');
  return executeOnce(options);
}

async function executeOnce(options: ExecuteOptions): Promise<Result> {
  const { input, databaseUrl, stateDir, output, verbose, place, reportFile, hooks } = options;
  // Before anything else: no server, a wrong password or an unknown database is told at once and in one line.
  const database = await checkConnection(databaseUrl);

  const reporter = await createReporter({ output, verbose, place });
  const interruption = onInterrupt(() => {
    reporter.announce('Stopping: no further step starts. Ctrl-C again leaves at once.');
    for (const line of afterInterruption(input, reporter.progress)) reporter.announce(line);
  });
  const warn = (line: string): void => reporter.complain(`! ${line}`);
  hooks?.warnThrough((line) => reporter.complain(line));
  try {
    const store = openStore(stateDir, warn);
    const { signal } = interruption;
    const pending = await pendingReportFor(reportFile, databaseUrl);
    const report = await runWithProgress({
      input,
      databaseUrl,
      store,
      reporter,
      warn,
      signal,
      database,
      observe: (executionArn) => hooks?.observe({ ...input, executionArn }),
      started: (executionArn) => {
        if (!output.quiet) reporter.announce(`Started execution: ${executionInWords(executionArn)}`);
      },
      ...(pending === null ? {} : { afterwards: (client, executionArn) => pending.read(client, executionArn) }),
    });
    reporter.stop();
    // Stopped: by Ctrl-C here, or by p2pfk stop in another terminal.
    const exitCode = exitCodeOfReport(report, interruption.exitCode);
    if (exitCode === ExitCode.BadInput) output.complain(`p2pfk: ${report.error?.message ?? ''}`);
    else {
      const { operation, table, lockTimeoutMs: lockBudgetMs } = input;
      const context = { operation, table, progress: reporter.progress, verbose, lockBudgetMs };
      for (const line of closingLines(report, context)) output.line(line);
      if (!output.quiet && report.executionArn !== null)
        output.line(`Execution: ${executionInWords(report.executionArn)}`);
    }
    await pending?.write(output);
    return { report, exitCode };
  } finally {
    reporter.stop();
    hooks?.warnThrough(output.complain);
    interruption.dispose();
  }
}

function afterInterruption({ table, operation }: ExecutionInput, { fence, place }: Progress): string[] {
  const rollback = `p2pfk rollback --table ${shellWord(table)}${place}`;
  if (operation === 'migrate' && fence === null)
    return [`The same command goes on from here; this undoes it: ${rollback}`];
  return [
    'The rollback stays half done: every row is guarded by the parent-level or the partition-level FKs, and no forward step can run.',
    `This goes on with it: ${rollback}`,
  ];
}

/** Loaded only where it is wanted: layout and templates are not for every day. */
export async function pendingReportFor(
  file: string | undefined,
  databaseUrl: string | undefined,
): Promise<PendingReport | null> {
  if (file === undefined) return null;
  const { pendingReport } = await import('./report/write.ts');
  return pendingReport(file, databaseUrl);
}

export interface RunOptions {
  readonly input: ExecutionInput;
  readonly databaseUrl: string | undefined;
  /** Where the execution is kept. It is closed at the end. */
  readonly store: ExecutionStore;
  readonly reporter: ProgressReporter;
  readonly warn: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Called once, before the first line of progress: not where the plan step refuses, so that a mistyped name is one line. */
  readonly started?: (executionArn: string) => void;
  /** The database that it is started on. */
  readonly database?: DatabaseIdentity;
  /** Is called with the ARN, for an observer of all events and of the end. */
  readonly observe?: (executionArn: string) => ExecutionObserver | undefined;
  /** Instead of the real ones: the demo's, which do damage. */
  readonly handlers?: Handlers;
  /** What else is to be read from the execution, while there still is an endpoint to ask. */
  readonly afterwards?: (client: SFNClient, executionArn: string) => Promise<void>;
}

/** The execution itself and how it ended; what is printed on the way is the reporter's. */
export async function runWithProgress(options: RunOptions): Promise<MigrationReport> {
  const { input, databaseUrl, store, reporter, warn, signal, handlers } = options;
  const stray = surviveStrayErrors(warn);
  const endpoint = openLocalEndpoint({ databaseUrl, store, warn, handlers });
  const { client, service } = endpoint;
  try {
    const executionArn = await startExecution(client, STATE_MACHINE_ARN, executionName(input), input);
    reporter.began(executionArn);
    if (options.database) noteDatabase(store, executionArn, options.database);
    const observer = options.observe?.(executionArn);
    const onEvent = announcing(weighing(reporter, databaseUrl), () => options.started?.(executionArn));
    // What the execution itself then says of it: that it ended, and how.
    const stop = () => void client.send(new StopExecutionCommand({ executionArn, ...STOPPED })).catch(() => undefined);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    const watched = await watchExecution({
      client,
      executionArn,
      pause: localPause(service),
      onEvent: (event) => {
        onEvent(event);
        observer?.onEvent(event, reporter.progress);
      },
      signal: NEVER,
    });
    if (watched === null) throw new Error('the execution was left before its end');
    // Steps in flight are waited for, unless somebody is in a hurry.
    if (watched.outcome.status !== 'ABORTED') await service.settled();
    const ledger = await readLedger(databaseUrl, reporter.progress, executionArn);
    const { operation } = input;
    await options.afterwards?.(client, executionArn);
    const report = reportOf({ executionArn, operation, ...watched, seen: seenIn(reporter.progress), ledger });
    observer?.onEnd({ report, outcome: watched.outcome, at: Date.now() });
    return report;
  } finally {
    endpoint.close();
    stray.dispose();
  }
}

const STOPPED = { error: 'Interrupted', cause: 'the execution was stopped before its end' };

/** Ctrl-C stops the execution, not the watching: that ends with it. */
const NEVER = new AbortController().signal;

async function checkConnection(databaseUrl: string | undefined): Promise<DatabaseIdentity> {
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk' });
  try {
    // The plan step would be retried for a minute.
    await readReaders(client);
    return await readIdentity(client);
  } finally {
    await client.end();
  }
}

/** A list of executions can do without it. */
function noteDatabase(store: ExecutionStore, executionArn: string, database: DatabaseIdentity): void {
  try {
    store.noteDatabase(executionArn, database);
  } catch {
    // The disk may be full; the store warns of that where it matters.
  }
}

/** Passes events on; before those of a plan that was made it tells that the execution has started. */
function announcing(onEvent: ProgressReporter['onEvent'], started: () => void): ProgressReporter['onEvent'] {
  let told = false;
  return (event) => {
    if (!told && event.type === 'TaskSucceeded') {
      told = true;
      started();
    }
    onEvent(event);
  };
}

/** Passes events on, and after the plan looks once into the ledger: how large are the pairs? */
function weighing(reporter: ProgressReporter, databaseUrl: string | undefined): ProgressReporter['onEvent'] {
  let asked = !reporter.live;
  return (event) => {
    reporter.onEvent(event);
    const id = reporter.progress.plan?.migrationId ?? null;
    if (asked || id === null) return;
    asked = true;
    // Without an answer the estimate goes by rows.
    readSizes(databaseUrl, id).then(reporter.weigh, () => undefined);
  };
}

async function readSizes(databaseUrl: string | undefined, migrationId: string): Promise<ReadonlyMap<number, PairSize>> {
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk progress' });
  try {
    const pairs = await readPairs(client, migrationId);
    return new Map(pairs.map(({ pair, rows, bytes }) => [pair, { rows, bytes }]));
  } finally {
    await client.end();
  }
}

/** What the ledger says, or null where there is no migration or the database is out of reach by now. */
async function readLedger(
  databaseUrl: string | undefined,
  progress: Progress,
  executionArn: string,
): Promise<LedgerReport | null> {
  const migrationId = progress.plan?.migrationId ?? null;
  if (migrationId === null) return null;
  try {
    const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk report' });
    try {
      return await readMigrationReport(client, migrationId, executionArn);
    } finally {
      await client.end();
    }
  } catch {
    // The outcome is known without it, and it must be told: the report then has what the events told.
    return null;
  }
}
