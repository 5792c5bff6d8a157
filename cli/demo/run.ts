/** `p2pfk demo`: tells the story of local/demo, from an empty directory to the proof. */

import type { MigrationReport, Plan } from '../../core/contracts/documents.ts';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { connectReadOnly } from '../../core/ledger/connect.ts';
import { planMigration } from '../../core/plan/read-plan.ts';
import { type Demo, type Measurements, startDemo } from '../../local/demo/demo.ts';
import { ExecutionStore } from '../../local/store/execution-store.ts';
import { pendingReportFor, runWithProgress } from '../execute.ts';
import { ExitCode, exitCodeOfReport } from '../exit-codes.ts';
import { onceInterrupted, onInterrupt } from '../interrupt.ts';
import { applyVerbose, type OutputFlags, type ReportFlag } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { closingLines } from '../progress/closing.ts';
import { createReporter } from '../progress/reporter.ts';
import { planSummary } from '../render/plan-text.ts';
import type { PendingReport } from '../report/write.ts';
import { roughly } from '../text.ts';
import { compared, comparison } from './comparison.ts';

/** `demo --json`. */
interface DemoDocument {
  readonly serverVersion: string;
  readonly rows: number;
  /** Null with `--fail`: there is nothing to compare then. */
  readonly before: Measurements | null;
  readonly after: Measurements | null;
  readonly migration: MigrationReport;
  /** The parent FK is as it was before, name and definition. */
  readonly parentForeignKeyRestored: boolean;
}

/** @returns the exit code */
export async function demo(flags: DemoFlags): Promise<number> {
  if (flags.rows !== undefined && flags.rows < 17) {
    throw new InvalidInput(`--rows must be at least 17, one for each pair, not ${flags.rows}`);
  }
  applyVerbose(flags);
  const output = createOutput(flags);
  const say = (line: string): void => {
    if (!output.quiet) output.line(line);
  };
  // Exiting removes server and directory, whatever runs at that moment.
  const interruption = onceInterrupted(() => {
    output.complain('Interrupted: the server is stopped and its directory removed.');
  });
  say('Starting a PostgreSQL of our own in a temporary directory ...');
  const started = await startDemo({
    handleSignals: false,
    say,
    ...(flags.rows === undefined ? {} : { rows: flags.rows }),
  });
  let exitCode: number;
  try {
    if (flags.database) interruption.dispose();
    exitCode = await (flags.database ? offer(started, output) : tell(started, flags, output, say));
  } finally {
    await started.stop();
    interruption.dispose();
  }
  if (!flags.database) for (const line of FAREWELL) say(line);
  return exitCode;
}

const FAREWELL: readonly string[] = [
  '',
  '✓ Removed: the PostgreSQL server of the demo and its directory, with all data.',
  'What to do next:',
  '  npx p2pfk demo --database                      a database like this one, on which you may try every command (docs/tutorial.md)',
  '  npx p2pfk scan --database-url postgres://...   your own database: what can be converted, and what that brings; it only reads',
];

/** Leaves the migration to the user, in another terminal, until Ctrl-C. */
async function offer({ databaseUrl }: Demo, output: Output): Promise<number> {
  output.line('');
  output.line('The database is yours until Ctrl-C here removes it. In another terminal:');
  output.line('');
  output.secret(`  export DATABASE_URL=${databaseUrl}`);
  output.line('  npx p2pfk plan --table path');
  output.line('');
  const interruption = onInterrupt(() => output.complain('The server is stopped and its directory removed.'));
  // A signal alone does not keep the process alive.
  const awake = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => interruption.signal.addEventListener('abort', () => resolve(), { once: true }));
  clearInterval(awake);
  interruption.dispose();
  return ExitCode.Done;
}

async function tell(started: Demo, flags: DemoFlags, output: Output, say: (line: string) => void): Promise<number> {
  const input = ExecutionInput.parse({ table: started.table });
  const planned = await planOf(started, input);
  say('');
  for (const line of planSummary(planned, output.columns)) say(line);
  say('');
  const before = flags.fail === undefined ? await measured(started, 'before', say) : null;

  const pending = await pendingReportFor(flags.report, started.databaseUrl);
  const report = await migrate(started, input, flags, output, pending);

  const now = await planOf(started, input);
  const restored =
    now.definition === planned.definition && now.constraint === planned.constraint && now.statements.length > 0;
  if (flags.fail !== undefined) output.line(restored ? parentIsBack(now) : '✗ The parent-level FK is not as it was');
  const migrated = report.status === 'MIGRATED';
  const after = before !== null && migrated ? await measured(started, 'after', say) : null;
  if (before !== null && after !== null) {
    output.line();
    for (const line of comparison(before, after, output.columns ?? 100)) output.line(line);
  }
  await pending?.write(output, before !== null && after !== null ? { comparison: compared(before, after) } : {});
  const document: DemoDocument = {
    serverVersion: started.serverVersion,
    rows: started.rows,
    before,
    after,
    migration: report,
    parentForeignKeyRestored: restored,
  };
  output.document(document);
  const exitCode = exitCodeOfReport(report);
  if (flags.fail === undefined) return exitCode;
  if (migrated) output.complain('✗ The damage went unnoticed');
  return migrated || (exitCode === ExitCode.RolledBack && !restored) ? ExitCode.CheckFailed : exitCode;
}

function parentIsBack({ constraint, definition }: Plan): string {
  return `✓ The parent-level FK is as it was before, character for character: ${constraint} ${definition}`;
}

async function measured(started: Demo, when: string, say: (line: string) => void): Promise<Measurements> {
  say(`Measuring ${when}, in transactions that are rolled back ...`);
  const measurements = await started.measure();
  const { rows, partition, ms, timedOut } = measurements.delete;
  say(`  DELETE of ${rows} rows of ${partition}: ${timedOut ? 'given up after ' : ''}${roughly(ms)}`);
  say(`  TRUNCATE ${measurements.truncate.partition} CASCADE empties ${measurements.truncate.summary}`);
  say(`  DETACH and ATTACH of ${measurements.detach.pair}: ${measurements.detach.possible ? 'possible' : 'refused'}`);
  return measurements;
}

async function migrate(
  started: Demo,
  input: ExecutionInput,
  flags: DemoFlags,
  output: Output,
  pending: PendingReport | null,
): Promise<MigrationReport> {
  const reporter = await createReporter({ output, verbose: flags.verbose });
  try {
    const tellDamage = (what: string): void => reporter.announce(`! ${what}`);
    const handlers = flags.fail === undefined ? null : await started.damageHooks(flags.fail, tellDamage);
    const { databaseUrl } = started;
    const report = await runWithProgress({
      input,
      databaseUrl,
      // The database is gone afterwards, and what happened to it means nothing any more.
      store: ExecutionStore.inMemory(),
      reporter,
      warn: (line) => reporter.complain(`! ${line}`),
      ...(handlers === null ? {} : { handlers }),
      ...(pending === null ? {} : { afterwards: (client, executionArn) => pending.read(client, executionArn) }),
    });
    reporter.stop();
    const { operation, table, lockTimeoutMs: lockBudgetMs } = input;
    const context = { operation, table, progress: reporter.progress, verbose: flags.verbose, lockBudgetMs };
    for (const line of closingLines(report, context)) output.line(line);
    return report;
  } finally {
    reporter.stop();
  }
}

async function planOf({ databaseUrl }: Demo, input: ExecutionInput): Promise<Plan> {
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk demo plan' });
  try {
    return await planMigration(client, input);
  } finally {
    await client.end();
  }
}

export type DemoFlags = OutputFlags &
  ReportFlag & {
    readonly rows?: number;
    readonly database?: boolean;
    readonly fail?: 'orphans' | 'gate' | 'drop' | 'verify';
  };
