/** Parts of every local execution: its name, the built state machine, and a session that shows the database that it lives. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { unlessSecret } from '../core/contracts/redact.ts';
import {
  type RunningExecution,
  type StartExecutionOptions,
  type StateMachineDefinition,
  startExecution,
  trustDefinition,
} from './engine/engine.ts';
import { shareSessions } from './handlers.ts';
import { Liveness } from './liveness.ts';
import { KeptSessions } from './sessions/kept-sessions.ts';

/** Input of the state machine. core/contracts/execution-input.ts has the schema, and the plan step checks it. */
export interface LocalInput {
  readonly table: string;
  readonly [option: string]: unknown;
}

/** Milliseconds. After a failed Map, handlers of other pairs may still be running; the rollback branch has cancelled their statements. */
const SETTLE_TIMEOUT_MS = 10_000;

/**
 * Starts the engine. From before the first step until the last handler has ended, a session of its own shows the database that
 * this process lives. So no other execution takes the migration over while it lives, and every execution may as soon as it is
 * gone. As long as a handler runs, the execution counts as alive, even if this process does not wait for it.
 *
 * @throws ConnectionRefused, ConnectionLost when the database cannot be reached at the start
 */
export async function beginExecution(options: StartExecutionOptions): Promise<RunningExecution> {
  const { executionArn } = options;
  const liveness = await Liveness.begin(executionArn);
  const sessions = new KeptSessions();
  shareSessions(executionArn, sessions);
  const end = async () => {
    shareSessions(executionArn, undefined);
    await sessions.end();
    await liveness.end();
  };
  try {
    const execution = startExecution(options);
    return { ...execution, settled: execution.settled.then(end) };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Waits until no handler runs any more, but not longer than 10 s: in AWS handlers are not waited for either. */
export async function settled(execution: Pick<RunningExecution, 'settled'>): Promise<void> {
  await Promise.race([execution.settled, delay(SETTLE_TIMEOUT_MS, undefined, { ref: false })]);
}

/** A name that is unique, readable, and at most 80 characters of `[A-Za-z0-9_-]`, as Step Functions requires. */
export function executionName(input: LocalInput): string {
  const table = unlessSecret(String(input.table), 'table')
    .replace(/[^A-Za-z0-9_]+/g, '-')
    .slice(0, 40);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  return [input.operation === 'rollback' ? 'rollback' : 'migrate', table, time, randomBytes(4).toString('hex')].join(
    '-',
  );
}

/** The built definition, parsed and as text. */
export interface BuiltDefinition {
  readonly definition: StateMachineDefinition;
  /** Content of the file, unchanged. */
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
