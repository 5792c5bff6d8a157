/** Follows an execution in AWS to its end, asking less and less often. */
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import type { ExecutionOutcome } from '../outcome.ts';
import type { ProgressEvent } from '../progress/events.ts';
import { createHistoryReader } from './history.ts';

export interface WatchOptions {
  readonly client: SFNClient;
  readonly executionArn: string;
  readonly onEvent: (event: ProgressEvent) => void;
  readonly signal: AbortSignal;
  /** First pause between two looks, in milliseconds; it grows by half each time nothing was new, up to `longestMs`. */
  readonly shortestMs?: number;
  readonly longestMs?: number;
}

export interface Watched {
  readonly outcome: ExecutionOutcome;
  readonly durationMs: number;
}

/** @returns null where `signal` ended the watching before the execution ended */
export async function watchExecution(options: WatchOptions): Promise<Watched | null> {
  const { client, executionArn, onEvent, signal, shortestMs = 1000, longestMs = 15_000 } = options;
  const reader = createHistoryReader();
  let pause = shortestMs;
  for (;;) {
    // Described first: if it has ended by then, the history that is read next is whole.
    const execution = await client.send(new DescribeExecutionCommand({ executionArn }), { abortSignal: signal });
    const news = reader.read(await eventsAfter(client, executionArn, reader.lastId, signal));
    for (const event of news) onEvent(event);
    const outcome = outcomeOf(execution);
    if (outcome !== null) return { outcome, durationMs: durationOf(execution) };
    pause = news.length > 0 ? shortestMs : Math.min(longestMs, pause * 1.5);
    if (!(await waited(pause, signal))) return null;
  }
}

/**
 * Newest first, page by page, down to what is known: a long history is not read again from its beginning.
 * @returns oldest first
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
        maxResults: 1000,
        includeExecutionData: true,
        ...(nextToken === undefined ? {} : { nextToken }),
      }),
      { abortSignal: signal },
    );
    const fresh = (page.events ?? []).filter((event) => (event.id ?? 0) > lastId);
    events.push(...fresh);
    nextToken = fresh.length === page.events?.length ? page.nextToken : undefined;
  } while (nextToken !== undefined);
  return events.sort((a, b) => (a.id ?? 0) - (b.id ?? 0));
}

function outcomeOf(execution: DescribeExecutionOutput): ExecutionOutcome | null {
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

/** @returns false where `signal` came first */
function waited(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve(true);
    }, milliseconds);
    function stop(): void {
      clearTimeout(timer);
      resolve(false);
    }
    signal.addEventListener('abort', stop, { once: true });
  });
}
