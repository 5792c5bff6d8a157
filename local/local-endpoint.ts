/** The local Step Functions endpoint, assembled from store, state machine and handlers. */
import type { SFNClient } from '@aws-sdk/client-sfn';
import { InvalidInput, messageOf } from '../core/contracts/errors.ts';
import type { Handlers, StateMachineDefinition } from './engine/engine.ts';
import { type BuiltDefinition, builtDefinition } from './executions.ts';
import { handlers as ownHandlers } from './handlers.ts';
import { inProcessClient } from './step-functions/in-process.ts';
import { StepFunctions } from './step-functions/step-functions.ts';
import { ExecutionStore } from './store/execution-store.ts';
import { stateDirectory } from './store/state-directory.ts';

/** What the endpoint is made of. */
export interface LocalEndpointOptions {
  /** By default `DATABASE_URL`, and then libpq's variables. It is set as `DATABASE_URL` of this process. */
  readonly databaseUrl?: string | undefined;
  /** Where executions are stored. */
  readonly store: ExecutionStore;
  /** Called with a line for a person, for example that executions are no longer stored. */
  readonly warn: (line: string) => void;
  /** Called with the ARN of each execution that starts in this process. */
  readonly onStart?: ((executionArn: string) => void) | undefined;
  /** Used instead of the handlers in `lambdas/`; function name -> handler. */
  readonly handlers?: Handlers | undefined;
  /** Used instead of the built definition. */
  readonly definition?: StateMachineDefinition | undefined;
}

/** An open endpoint. */
export interface LocalEndpoint {
  readonly service: StepFunctions;
  /** A client of the AWS SDK that calls the endpoint without a socket. */
  readonly client: SFNClient;
  /** Closes the store; StepFunctions says what to wait for first. */
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
    onStart: options.onStart,
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
 * Opens the store on disk, or one in memory, with a warning, where that fails: a home directory that cannot be written to is no
 * reason not to migrate.
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
