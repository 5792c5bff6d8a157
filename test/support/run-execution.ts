/** Runs the state machine in this process, with neither store nor endpoint: for tests that look at the engine and the database. */
import { HistoryReader, type ReadEvent } from '../../core/history/read-history.ts';
import type { ExecutionOutcome, Handlers, StateMachineDefinition } from '../../local/engine/engine.ts';
import { beginExecution, builtDefinition, executionName, type LocalInput, settled } from '../../local/executions.ts';
import { handlers as ownHandlers } from '../../local/handlers.ts';
import { executionArn } from '../../local/step-functions/arns.ts';

export interface RunOptions {
  readonly input: LocalInput;
  /** Becomes `DATABASE_URL` of this process. */
  readonly databaseUrl: string;
  /** Given each event of the history as soon as it is read. */
  readonly onEvent?: (event: ReadEvent) => void;
  /** Aborts the execution: no further step is started, the one in flight is not waited for. */
  readonly signal?: AbortSignal;
  /** Instead of the ones in `lambdas/`; function name -> handler. */
  readonly handlers?: Handlers;
  /** Instead of the built one. */
  readonly definition?: StateMachineDefinition;
}

/** @throws ConnectionRefused, ConnectionLost when there is no database to begin with */
export async function runExecution(
  options: RunOptions,
): Promise<{ readonly executionArn: string; readonly outcome: ExecutionOutcome }> {
  const { input, databaseUrl, onEvent, signal, handlers = ownHandlers } = options;
  process.env.DATABASE_URL = databaseUrl;
  const name = executionName(input);
  const arn = executionArn(name);
  const reader = new HistoryReader();
  const execution = await beginExecution({
    definition: options.definition ?? builtDefinition().definition,
    handlers,
    input,
    executionArn: arn,
    name,
    onHistory: (event) => {
      for (const read of reader.read([event])) onEvent?.(read);
    },
  });
  const abort = () => execution.abort();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  const outcome = await execution.outcome;
  signal?.removeEventListener('abort', abort);
  if (outcome.status !== 'ABORTED') await settled(execution);
  return { executionArn: arn, outcome };
}
