/** Where an execution is asked after: in AWS, at another endpoint, or, for one of this machine, in its own store. */
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { ExecutionStore } from '../../local/store/execution-store.ts';
import { type AwsFlags, createClient, regionOf } from './client.ts';
import type { Pause } from './watch.ts';

export interface AnyEndpointFlags extends AwsFlags {
  readonly stateDir?: string;
}

export interface Connection {
  readonly client: SFNClient;
  /** How to wait between two looks; the watcher's own where absent. */
  readonly pause?: Pause;
  close(): void;
}

const LOCAL_REGION = 'local';

/**
 * A local execution needs no `p2pfk serve` to be looked at, or stopped: the store of the state directory has it.
 *
 * @param warn a line for a person
 * @throws InvalidInput where it is no execution's ARN
 */
export async function connectTo(
  flags: AnyEndpointFlags,
  executionArn: string,
  warn: (line: string) => void,
): Promise<Connection> {
  const region = regionOf(executionArn, 'execution');
  if (region !== LOCAL_REGION || flags.endpointUrl !== undefined) {
    const client = createClient(flags, region);
    return { client, close: () => client.destroy() };
  }
  const { openStore } = await import('../../local/local-endpoint.ts');
  return connectToStore(openStore(flags.stateDir, warn), warn);
}

/** @param store closed with the connection */
export async function connectToStore(store: ExecutionStore, warn: (line: string) => void): Promise<Connection> {
  const { openLocalEndpoint } = await import('../../local/local-endpoint.ts');
  const endpoint = openLocalEndpoint({ store, warn });
  return { client: endpoint.client, pause: localPause(endpoint.service), close: () => endpoint.close() };
}

/** Milliseconds in which events that come together are shown together. */
const TOGETHER_MS = 40;
/** Milliseconds until an execution that runs in another process is looked at again. */
const LOOK_AGAIN_MS = 300;

/** Waits for the next event instead of for a time. */
export function localPause(service: { changed(arn: string, longestMs: number): Promise<void> }): Pause {
  return async (executionArn, milliseconds) => {
    await service.changed(executionArn, Math.min(milliseconds, LOOK_AGAIN_MS));
    await new Promise((resolve) => setTimeout(resolve, TOGETHER_MS));
  };
}
