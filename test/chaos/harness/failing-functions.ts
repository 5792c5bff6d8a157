/** Functions that fail as Lambda's do: throttled before they are called, or gone in the middle of a call, with their process. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Handler, Handlers } from '../../../local/engine/engine.ts';
import type { FunctionFault } from '../schedule.ts';
import type { Command, Invocation, Report } from './protocol.ts';

export interface Surroundings {
  readonly databaseUrl: string;
  tell(report: Report): void;
}

interface Failing {
  readonly fault: FunctionFault;
  /** The input that fails: of the first call. */
  event: string | null;
  left: number;
}

/** The handlers, of which some fail for a while. */
export function failingHandlers(
  handlers: Handlers,
  faults: readonly FunctionFault[],
  surroundings: Surroundings,
): Handlers {
  const failing = faults.map((fault): Failing => ({ fault, event: null, left: fault.times }));
  return Object.fromEntries(
    Object.entries(handlers).map(([functionName, handler]): [string, Handler] => [
      functionName,
      async (event, context) => {
        const fails = failing.find((one) => isNext(one, functionName, event));
        if (fails === undefined) return handler(event, context);
        fails.left -= 1;
        if (fails.left === 0) surroundings.tell({ type: 'function-failed', kind: fails.fault.kind, functionName });
        if (fails.fault.kind === 'function-throttle')
          throw lambdaError('Lambda.TooManyRequestsException', 'Rate Exceeded.');
        const invocation = { functionName, event };
        surroundings.tell({ type: 'invoked', invocation });
        await crash(invocation, surroundings.databaseUrl, fails.fault.afterMs);
        throw lambdaError('Runtime.ExitError', 'Error: Runtime exited with error: signal: killed');
      },
    ]),
  );
}

function isNext(failing: Failing, functionName: string, event: unknown): boolean {
  const text = JSON.stringify(event);
  if (failing.left === 0 || failing.fault.functionName !== functionName) return false;
  failing.event ??= text;
  return failing.event === text;
}

/** As the execution is told of it: the name is what Retry and Catch match. */
function lambdaError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

/** Calls the handler in a process of its own, and kills that before its answer is back. */
async function crash(invocation: Invocation, databaseUrl: string, afterMs: number): Promise<void> {
  const runtime = fork(fileURLToPath(import.meta.url), [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const gone = once(runtime, 'exit');
  const called = new Promise<void>((resolve) => {
    runtime.on('message', ({ type }: Report) => {
      if (type !== 'ready') return resolve();
      const command: Command = { type: 'deliver', id: 0, databaseUrl, invocation };
      runtime.send(command);
      void delay(afterMs).then(resolve);
    });
  });
  await Promise.race([called, gone]);
  runtime.kill('SIGKILL');
  await gone;
}
