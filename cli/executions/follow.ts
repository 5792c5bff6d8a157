/** Follows an execution with progress to its end, and ends as it ended: of `start --wait` and of `watch`. */
import type { SFNClient } from '@aws-sdk/client-sfn';
import { ExitCode, exitCodeOfReport } from '../exit-codes.ts';
import { onInterrupt } from '../interrupt.ts';
import { reportOf } from '../outcome.ts';
import type { Output } from '../output.ts';
import { closingLines } from '../progress/closing.ts';
import { createReporter } from '../progress/reporter.ts';
import { seenIn } from '../progress/state.ts';
import { shellWord } from '../text.ts';
import { executionFailure } from './client.ts';
import { type Pause, watchExecution } from './watch.ts';

export interface FollowOptions {
  readonly client: SFNClient;
  readonly pause?: Pause | undefined;
  readonly executionArn: string;
  readonly table: string;
  readonly operation: 'migrate' | 'rollback';
  /** The command that undoes it; see closingLines. */
  readonly undo?: string;
  /** Where it goes on when nobody watches: ` in AWS`, or nowhere in particular. */
  readonly where: string;
  readonly output: Output;
}

/** @returns the exit code */
export async function follow(options: FollowOptions): Promise<number> {
  const { client, pause, executionArn, output } = options;
  const reporter = await createReporter({ output });
  const interruption = onInterrupt(() => {
    reporter.announce(`Stopped watching. The execution goes on${options.where}; this stops it:`);
    reporter.announce(`  p2pfk stop --execution ${shellWord(executionArn)}`);
  });
  reporter.began(executionArn);
  try {
    const watched = await watchExecution({
      client,
      pause,
      executionArn,
      onEvent: reporter.onEvent,
      signal: interruption.signal,
    });
    reporter.stop();
    if (watched === null) return interruption.exitCode ?? ExitCode.Interrupted;
    const { operation } = options;
    const seen = seenIn(reporter.progress);
    const report = reportOf({ executionArn, operation, ...watched, seen, ledger: null });
    // One that was stopped was not stopped by Ctrl-C here.
    const exitCode = exitCodeOfReport(report);
    if (exitCode === ExitCode.BadInput) output.complain(`p2pfk: ${report.error?.message ?? ''}`);
    else for (const line of closingLines(report, { ...options, progress: reporter.progress })) output.line(line);
    output.document(report);
    return exitCode;
  } catch (error) {
    reporter.stop();
    if (interruption.exitCode !== null) return interruption.exitCode;
    throw executionFailure(error, `cannot follow ${executionArn}, which goes on`, executionArn);
  } finally {
    reporter.stop();
    interruption.dispose();
  }
}
