/** Follows an execution to its end, in AWS asking less and less often. */
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  GetExecutionHistoryCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { HistoryReader } from '../../core/history/read-history.ts';
import type { ExecutionOutcome } from '../outcome.ts';
import { type ProgressEvent, progressOf } from '../progress/events.ts';

/** Waits between two looks, at most that many milliseconds. */
export type Pause = (executionArn: string, milliseconds: number, signal: AbortSignal) => Promise<unknown>;

export interface WatchOptions {
  readonly client: SFNClient;
  readonly executionArn: string;
  readonly onEvent: (event: ProgressEvent) => void;
  readonly signal: AbortSignal;
  /** First pause between two looks, in milliseconds; it grows by half each time nothing was new, up to `longestMs`. */
  readonly shortestMs?: number;
  readonly longestMs?: number;
  /** Where there is a better way to wait than for a time. */
  readonly pause?: Pause | undefined;
}

export interface Watched {
  readonly outcome: ExecutionOutcome;
  readonly durationMs: number;
}

/** @returns null where `signal` ended the watching before the execution ended */
export async function watchExecution(options: WatchOptions): Promise<Watched | null> {
  const { client, executionArn, onEvent, signal, shortestMs = 1000, longestMs = 15_000, pause = waited } = options;
  const reader = new HistoryReader();
  let milliseconds = shortestMs;
  for (;;) {
    // Described first: if it has ended by then, the history that is read next is whole.
    const execution = await client.send(new DescribeExecutionCommand({ executionArn }), { abortSignal: signal });
    const read = reader.read(await eventsAfter(client, executionArn, reader.lastId, signal));
    const news = read.flatMap(progressOf);
    for (const event of news) onEvent(event);
    const outcome = outcomeOf(execution);
    if (outcome !== null) return { outcome, durationMs: durationOf(execution) };
    milliseconds = news.length > 0 ? shortestMs : Math.min(longestMs, milliseconds * 1.5);
    await pause(executionArn, milliseconds, signal);
    if (signal.aborted) return null;
  }
}

/**
 * Newest first, page by page, down to what is known: a long history is not read again from its beginning.
 */
async function eventsAfter(
  client: SFNClient,
  executionArn: string,
  lastId: number,
  signal: AbortSignal,
): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(
      new GetExecutionHistoryCommand({
        executionArn,
        reverseOrder: true,
        // The first look may find a long history; the next ones find a few events.
        maxResults: lastId === 0 ? 1000 : 100,
        includeExecutionData: true,
        ...(nextToken === undefined ? {} : { nextToken }),
      }),
      { abortSignal: signal },
    );
    const fresh = (page.events ?? []).filter((event) => (event.id ?? 0) > lastId);
    events.push(...fresh);
    nextToken = fresh.length === page.events?.length ? page.nextToken : undefined;
  } while (nextToken !== undefined);
  return events;
}

export function outcomeOf(execution: DescribeExecutionOutput): ExecutionOutcome | null {
  const { status, error, cause, output } = execution;
  switch (status) {
    case 'SUCCEEDED':
      return { status, output: output === undefined ? null : (JSON.parse(output) as unknown) };
    case 'FAILED':
    case 'TIMED_OUT':
    case 'ABORTED':
      return { status, error, cause };
    default:
      return null;
  }
}

function durationOf({ startDate, stopDate }: DescribeExecutionOutput): number {
  return startDate === undefined ? 0 : (stopDate ?? new Date()).getTime() - startDate.getTime();
}

/** For a time, or until `signal`. */
function waited(_executionArn: string, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, milliseconds);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    if (signal.aborted) return end();
    signal.addEventListener('abort', end, { once: true });
  });
}
