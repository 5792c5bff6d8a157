/** One execution of the built state machine in this process, against a real database. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '../core/connection.ts';
import { holdExecution } from '../core/liveness.ts';
import {
  type ExecutionObserver,
  type ExecutionOutcome,
  type Handlers,
  type StateMachineDefinition,
  startExecution,
} from './engine.ts';
import { handlers as ownHandlers } from './handlers.ts';

/** What the state machine's input looks like from here; core/contracts.ts has the schema, and the plan step checks it. */
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

const EXECUTION_ARN_PREFIX = 'arn:aws:states:local:000000000000:execution:p2pfk:';

/** After a failed Map, handlers of other pairs may still be on their way; the rollback branch has cancelled them. */
const SETTLE_TIMEOUT_MS = 10_000;

/** Pause before a lost liveness session is opened again: a server restart takes some seconds. */
const RECONNECT_MS = 1_000;

/**
 * Runs the state machine to its end. While it runs, a session of its own tells the database that this process lives,
 * so that nobody takes the migration over, and anybody may as soon as this process is gone.
 *
 * @throws ConnectionRefused, ConnectionLost when there is no database to begin with
 * @throws Error when the state machine was not built
 *
 * @example
 * const { outcome } = await runLocally({ input: { table: 'public.path' }, databaseUrl, onEvent: console.error });
 */
export async function runLocally(options: RunLocallyOptions): Promise<LocalExecution> {
  const { input, databaseUrl, onEvent, signal } = options;
  const definition = options.definition ?? readDefinition();
  if (databaseUrl !== undefined) process.env.DATABASE_URL = databaseUrl;

  const name = executionName(input);
  const executionArn = `${EXECUTION_ARN_PREFIX}${name}`;
  const liveness = await Liveness.begin(executionArn);
  const startedAt = new Date();
  try {
    const execution = startExecution({
      definition,
      handlers: options.handlers ?? ownHandlers,
      input,
      executionArn,
      name,
      ...(onEvent === undefined ? {} : { onEvent }),
    });
    const abort = () => execution.abort();
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();

    const outcome = await execution.outcome;
    const durationMs = Date.now() - startedAt.getTime();
    signal?.removeEventListener('abort', abort);
    // As long as a handler runs, this execution is not over for others, even if nobody waits for it here.
    const released = execution.settled.then(() => liveness.end());
    if (outcome.status !== 'ABORTED') await Promise.race([released, timeout(SETTLE_TIMEOUT_MS)]);
    return { executionArn, outcome, startedAt, durationMs };
  } catch (error) {
    await liveness.end();
    throw error;
  }
}

/** Keeps `holdExecution`'s lock: when its session is lost, takes it again. */
class Liveness {
  readonly #executionArn: string;
  #client: Awaited<ReturnType<typeof connect>> | null = null;
  #ended = false;

  private constructor(executionArn: string) {
    this.#executionArn = executionArn;
  }

  static async begin(executionArn: string): Promise<Liveness> {
    const liveness = new Liveness(executionArn);
    await liveness.#hold();
    return liveness;
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#client?.end().catch(() => undefined);
  }

  async #hold(): Promise<void> {
    const databaseUrl = process.env.DATABASE_URL;
    const client = await connect({
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
      applicationName: 'p2pfk execution',
    });
    this.#client = client;
    try {
      await holdExecution(client, this.#executionArn);
    } catch (error) {
      await client.end();
      throw error;
    }
    client.once('end', () => void this.#holdAgain());
    if (this.#ended) await client.end();
  }

  async #holdAgain(): Promise<void> {
    while (!this.#ended) {
      await timeout(RECONNECT_MS);
      try {
        return await this.#hold();
      } catch {
        // The server is still away. The steps find out for themselves, and retry as the state machine says.
      }
    }
  }
}

/** Waits without keeping the process alive. */
function timeout(ms: number): Promise<void> {
  return delay(ms, undefined, { ref: false });
}

/** Unique, readable, and within Step Functions' 80 characters of `[A-Za-z0-9_-]`. */
function executionName(input: LocalInput): string {
  const table = String(input.table)
    .replace(/[^A-Za-z0-9_]+/g, '-')
    .slice(0, 40);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  return [input.operation === 'rollback' ? 'rollback' : 'migrate', table, time, randomBytes(4).toString('hex')].join(
    '-',
  );
}

/** `dist/state-machine.asl.json` of the package that this file is part of, as source or bundled. */
function readDefinition(): StateMachineDefinition {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && directory !== dirname(directory))
    directory = dirname(directory);
  const path = join(directory, 'dist', 'state-machine.asl.json');
  if (!existsSync(path)) throw new Error(`The state machine is not built: ${path} is missing. Run npm run build.`);
  return JSON.parse(readFileSync(path, 'utf8')) as StateMachineDefinition;
}
