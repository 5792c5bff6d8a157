/** One execution of the built state machine in this process, against a real database. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type ExecutionObserver,
  type ExecutionOutcome,
  type Handlers,
  type RunningExecution,
  type StartExecutionOptions,
  type StateMachineDefinition,
  startExecution,
  trustDefinition,
} from './engine/engine.ts';
import { handlers as ownHandlers } from './handlers.ts';
import { Liveness } from './liveness.ts';
import { executionArn } from './step-functions/arns.ts';

/** What the state machine's input looks like from here; core/contracts/documents.ts has the schema, and the plan step checks it. */
export interface LocalInput {
  readonly table: string;
  readonly [option: string]: unknown;
}

export interface RunLocallyOptions {
  readonly input: LocalInput;
  /** Where absent, `DATABASE_URL` and then libpq's variables decide. Becomes `DATABASE_URL` of this process. */
  readonly databaseUrl?: string;
  readonly onEvent?: ExecutionObserver;
  /** Aborts the execution: no further step is started, the one in flight is not waited for. */
  readonly signal?: AbortSignal;
  /** Instead of the ones in `lambdas/`; function name -> handler. */
  readonly handlers?: Handlers;
  /** Instead of the built one. */
  readonly definition?: StateMachineDefinition;
}

export interface LocalExecution {
  readonly executionArn: string;
  readonly outcome: ExecutionOutcome;
  readonly startedAt: Date;
  /** Milliseconds from the start to the outcome. */
  readonly durationMs: number;
}

/** After a failed Map, handlers of other pairs may still be on their way; the rollback branch has cancelled them. */
const SETTLE_TIMEOUT_MS = 10_000;

/**
 * Runs the state machine to its end, with neither store nor endpoint: for tests that look at the engine and the
 * database. The command line starts executions through local/step-functions.
 *
 * @throws ConnectionRefused, ConnectionLost when there is no database to begin with
 * @throws Error when the state machine was not built
 *
 * @example
 * const { outcome } = await runLocally({ input: { table: 'public.path' }, databaseUrl, onEvent: console.error });
 */
export async function runLocally(options: RunLocallyOptions): Promise<LocalExecution> {
  const { input, databaseUrl, onEvent, signal } = options;
  const definition = options.definition ?? builtDefinition().definition;
  if (databaseUrl !== undefined) process.env.DATABASE_URL = databaseUrl;

  const name = executionName(input);
  const arn = executionArn(name);
  const startedAt = new Date();
  const execution = await beginExecution({
    definition,
    handlers: options.handlers ?? ownHandlers,
    input,
    executionArn: arn,
    name,
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  const abort = () => execution.abort();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();

  const outcome = await execution.outcome;
  const durationMs = Date.now() - startedAt.getTime();
  signal?.removeEventListener('abort', abort);
  if (outcome.status !== 'ABORTED') await settled(execution);
  return { executionArn: arn, outcome, startedAt, durationMs };
}

/**
 * Starts the engine. From before the first step until the last handler has ended, a session of its own tells the
 * database that this process lives, so that nobody takes the migration over, and anybody may as soon as it is gone: as
 * long as a handler runs, the execution is not over for others, even if nobody waits for it here.
 *
 * @throws ConnectionRefused, ConnectionLost when there is no database to begin with
 */
export async function beginExecution(options: StartExecutionOptions): Promise<RunningExecution> {
  const liveness = await Liveness.begin(options.executionArn);
  try {
    const execution = startExecution(options);
    return { ...execution, settled: execution.settled.then(() => liveness.end()) };
  } catch (error) {
    await liveness.end();
    throw error;
  }
}

/** Waits until no handler runs any more, but not for ever: in AWS nobody would wait either. */
export async function settled(execution: Pick<RunningExecution, 'settled'>): Promise<void> {
  await Promise.race([execution.settled, delay(SETTLE_TIMEOUT_MS, undefined, { ref: false })]);
}

/** Unique, readable, and within Step Functions' 80 characters of `[A-Za-z0-9_-]`. */
export function executionName(input: LocalInput): string {
  const table = String(input.table)
    .replace(/[^A-Za-z0-9_]+/g, '-')
    .slice(0, 40);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  return [input.operation === 'rollback' ? 'rollback' : 'migrate', table, time, randomBytes(4).toString('hex')].join(
    '-',
  );
}

export interface BuiltDefinition {
  readonly definition: StateMachineDefinition;
  /** The file as it is. */
  readonly text: string;
}

let built: BuiltDefinition | undefined;

/**
 * `dist/state-machine.asl.json` of the package that this file is part of, as source or bundled. Read once.
 *
 * @throws Error when the state machine was not built
 */
export function builtDefinition(): BuiltDefinition {
  built ??= readBuiltDefinition();
  return built;
}

function readBuiltDefinition(): BuiltDefinition {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && directory !== dirname(directory))
    directory = dirname(directory);
  const path = join(directory, 'dist', 'state-machine.asl.json');
  if (!existsSync(path)) throw new Error(`The state machine is not built: ${path} is missing. Run npm run build.`);
  const text = readFileSync(path, 'utf8');
  const definition = JSON.parse(text) as StateMachineDefinition;
  trustDefinition(definition);
  return { text, definition };
}
