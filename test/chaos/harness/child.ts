/**
 * The process that runs the handlers: one execution after the other, as `p2pfk migrate` runs them, until it is told to
 * end, is killed, or gets SIGINT. It is bundled into one file before a run, so that it starts fast and all schedules of a
 * run test the same code.
 */
import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { recordOf } from '../../../core/history/json.ts';
import { handler as reconcile } from '../../../lambdas/operations/reconcile.ts';
import type { Handler, Handlers, StateMachineDefinition } from '../../../local/engine/engine.ts';
import { handlers as ownHandlers } from '../../../local/handlers.ts';
import { runExecution } from '../../support/run-execution.ts';
import { failingHandlers } from './failing-functions.ts';
import type { Command, DeliverCommand, Report, RunCommand } from './protocol.ts';

const interruption = new AbortController();

function tell(report: Report): void {
  process.send?.(report);
}

process.on('message', (command: Command) => {
  if (command.type === 'run') void run(command);
  else void deliver(command);
});
process.on('disconnect', () => {
  // Whoever started us is gone; after an interruption it is us who hung up.
  if (!interruption.signal.aborted) process.exit(0);
});
process.on('SIGINT', () => {
  // As the command line does it: no further step starts, what is in flight ends by itself.
  interruption.abort();
  if (!running) process.exit(130);
});
let running = false;

async function run({ databaseUrl, input, definition, allowanceMs, failing = [] }: RunCommand): Promise<void> {
  running = true;
  try {
    const { outcome, executionArn } = await runExecution({
      input: { table: '', accept: ['all'], ...input },
      databaseUrl,
      signal: interruption.signal,
      definition: JSON.parse(readFileSync(definition, 'utf8')) as StateMachineDefinition,
      handlers: failingHandlers(watched(allowanceMs), failing, { databaseUrl, tell }),
      onEvent: ({ change, visit, attempt }) => {
        const { state } = visit ?? { state: '' };
        if (change === 'entered') tell({ type: 'entered', state });
        const { note } = recordOf(attempt?.output);
        if (change === 'succeeded' && typeof note === 'string') tell({ type: 'held-back', state, message: note });
        const failure = attempt?.failure;
        if (change === 'failed' && failure)
          tell({ type: 'failed', state, error: failure.name, message: failure.message });
      },
    });
    tell({ type: 'ended', outcome, executionArn });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
    tell({ type: 'not-begun', error: name, message });
  }
  running = false;
  // From here on only the handlers in flight keep this process alive.
  if (interruption.signal.aborted) process.disconnect();
}

/** The real handlers; each call is told before it is made. */
function watched(allowanceMs: number | undefined): Handlers {
  return Object.fromEntries(
    Object.entries(ownHandlers).map(([functionName, handler]): [string, Handler] => [
      functionName,
      async (event, context) => {
        tell({ type: 'invoked', invocation: { functionName, event } });
        return handler(
          event,
          allowanceMs === undefined ? context : { ...context, getRemainingTimeInMillis: () => allowanceMs },
        );
      },
    ]),
  );
}

/** What is called outside of executions only, too. */
const deliverable: Handlers = {
  ...ownHandlers,
  reconcile: reconcile as Handler,
};

async function deliver({ id, databaseUrl, invocation }: DeliverCommand): Promise<void> {
  process.env.DATABASE_URL = databaseUrl;
  const handler = deliverable[invocation.functionName];
  // Lambda's context as far as handlers use it.
  const context = { getRemainingTimeInMillis: () => 60_000 } as Parameters<Handler>[1];
  try {
    const result: unknown = await handler?.(invocation.event, context);
    tell({ type: 'delivered', id, outcome: JSON.stringify(result ?? null).slice(0, 4_000) });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
    tell({ type: 'delivered', id, outcome: `${name}: ${message}`.slice(0, 500) });
  }
}

// It may be killed at any moment: whoever comes next is to start faster.
flushCompileCache();
tell({ type: 'ready' });
