/**
 * One execution in a process of its own, seen from inside: what each function asked the database, how long it took, how
 * large the payloads and the process became. Started by `harness/execution.ts`.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import pg from 'pg';
import { SESSION_OPENED } from '../../core/postgres/libpq/keywords.ts';
import type { Handlers } from '../../local/engine/engine.ts';
import { beginExecution, builtDefinition, executionName } from '../../local/executions.ts';
import { handlers, shareSessions } from '../../local/handlers.ts';
import { executionArn } from '../../local/step-functions/arns.ts';
import type { ExecutionRequest, FunctionFigures, InsideView } from './execution.ts';

const caller = new AsyncLocalStorage<string>();
const figures = new Map<string, { calls: number; milliseconds: number; queries: number; failures: Set<string> }>();
const of = (name: string) => {
  const known = figures.get(name) ?? { calls: 0, milliseconds: 0, queries: 0, failures: new Set<string>() };
  figures.set(name, known);
  return known;
};

const { query } = pg.Client.prototype;
pg.Client.prototype.query = function counted(this: pg.Client, ...parameters: unknown[]) {
  of(caller.getStore() ?? 'outside').queries++;
  return (query as (...all: unknown[]) => unknown).apply(this, parameters);
} as typeof query;

const counted: Handlers = Object.fromEntries(
  Object.entries(handlers).map(([name, handler]) => [
    name,
    (event, context) =>
      caller.run(name, async () => {
        const from = performance.now();
        try {
          return await handler(event, context);
        } catch (error) {
          of(name).failures.add(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
          throw error;
        } finally {
          const figure = of(name);
          figure.calls++;
          figure.milliseconds += performance.now() - from;
        }
      }),
  ]),
);

process.once('message', async (request: ExecutionRequest) => {
  process.env.DATABASE_URL = request.databaseUrl;
  const name = executionName(request.input);
  let states = 0;
  let events = 0;
  let largestPayload = 0;
  let sessions = 0;
  subscribe(SESSION_OPENED, () => void sessions++);
  const before = process.cpuUsage();
  const from = performance.now();
  const execution = await beginExecution({
    definition: builtDefinition().definition,
    handlers: counted,
    input: request.input,
    executionArn: executionArn(name),
    name,
    onHistory: (event) => {
      events++;
      if (event.type?.endsWith('StateEntered')) states++;
      const details = [event.stateEnteredEventDetails?.input, event.stateExitedEventDetails?.output];
      for (const payload of details) largestPayload = Math.max(largestPayload, Buffer.byteLength(payload ?? ''));
    },
  });
  // The engine calls its first handler in a later turn of the event loop.
  if (request.newSessions) shareSessions(executionArn(name), undefined);
  const outcome = await execution.outcome;
  const milliseconds = performance.now() - from;
  const used = process.cpuUsage(before);
  const view: InsideView = {
    outcome: outcome.status === 'FAILED' ? `${outcome.error}: ${outcome.cause}` : outcome.status,
    milliseconds,
    states,
    events,
    largestPayload,
    maxRssMiB: process.resourceUsage().maxRSS / 1024,
    processorMs: (used.user + used.system) / 1_000,
    sessions,
    functions: Object.fromEntries(
      [...figures].map(([name, figure]): [string, FunctionFigures] => [
        name,
        { ...figure, failures: [...figure.failures] },
      ]),
    ),
  };
  process.send?.(view, () => process.exit());
});
process.send?.('ready');
