/** Everything that a local Step Functions endpoint is made of, put together: store, state machine, handlers. */
import type { SFNClient } from '@aws-sdk/client-sfn';
import { InvalidInput, messageOf } from '../core/contracts/errors.ts';
import type { Handlers, StateMachineDefinition } from './engine/engine.ts';
import { type BuiltDefinition, builtDefinition } from './executions.ts';
import { handlers as ownHandlers } from './handlers.ts';
import { inProcessClient } from './step-functions/in-process.ts';
import { StepFunctions } from './step-functions/step-functions.ts';
import { ExecutionStore } from './store/execution-store.ts';
import { stateDirectory } from './store/state-directory.ts';

export interface LocalEndpointOptions {
  /** Where absent, `DATABASE_URL` and then libpq's variables decide. Becomes `DATABASE_URL` of this process. */
  readonly databaseUrl?: string | undefined;
  /** Where executions are kept. */
  readonly store: ExecutionStore;
  /** A line for a person, such as that executions are not kept any more. */
  readonly warn: (line: string) => void;
  /** Instead of the ones in `lambdas/`; function name -> handler. */
  readonly handlers?: Handlers | undefined;
  /** Instead of the built one. */
  readonly definition?: StateMachineDefinition | undefined;
}

export interface LocalEndpoint {
  readonly service: StepFunctions;
  /** The AWS SDK's client on it, without a socket. */
  readonly client: SFNClient;
  /** Closes the store; see StepFunctions for what to wait for before. */
  close(): void;
}

/**
 * @throws Error when the state machine was not built
 *
 * @example
 * const { client } = openLocalEndpoint({ databaseUrl, store: openStore(undefined, console.error), warn: console.error });
 * await client.send(new StartExecutionCommand({ stateMachineArn: STATE_MACHINE_ARN, input: '{"table":"path"}' }));
 */
export function openLocalEndpoint(options: LocalEndpointOptions): LocalEndpoint {
  const { databaseUrl, warn, definition } = options;
  if (databaseUrl !== undefined) process.env.DATABASE_URL = databaseUrl;
  const built: BuiltDefinition =
    definition === undefined ? builtDefinition() : { definition, text: JSON.stringify(definition) };
  const service = new StepFunctions({
    store: options.store,
    built,
    handlers: options.handlers ?? ownHandlers,
    warn,
  });
  const client = inProcessClient(service);
  return {
    service,
    client,
    close() {
      service.close();
      client.destroy();
    },
  };
}

/**
 * The store on disk; in memory, with a warning, where that cannot be: a home that cannot be written to is no reason not
 * to migrate.
 *
 * @param given `--state-dir`; see stateDirectory
 * @throws InvalidInput where another user could read or change a directory that was named
 */
export function openStore(given: string | undefined, warn: (line: string) => void): ExecutionStore {
  const directory = stateDirectory(given);
  try {
    return ExecutionStore.open(directory);
  } catch (error) {
    if (error instanceof InvalidInput && (given || process.env.P2PFK_STATE_DIR)) throw error;
    const why = messageOf(error);
    warn(`executions are not kept, because ${directory} cannot be used: ${why}; choose another with --state-dir`);
    return ExecutionStore.inMemory();
  }
}
