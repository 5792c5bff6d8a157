/** What a fault has at hand: the pieces of a schedule under way. */
import { Client } from 'pg';
import type { Frozen } from '../harness/bundle.ts';
import type { Oids, Shape } from '../harness/case.ts';
import type { ChaosServer } from '../harness/chaos-server.ts';
import type { DbaPair } from '../harness/dba-pair.ts';
import type { Invocation } from '../harness/protocol.ts';
import type { ProxiedConnection } from '../harness/proxied-connection.ts';
import type { LoopbackProxy } from '../harness/proxy.ts';
import type { Runner } from '../harness/runner.ts';
import type { Kind } from '../schedule.ts';

/** A handler's failure, as the execution told it. */
export interface Failure {
  readonly state: string;
  readonly error: string;
  readonly message: string;
  /** performance.now() */
  readonly at: number;
}

export interface StandbyScene {
  readonly url: string;
  /** Whether the replay of a lock was seen to wait for that session. */
  waitedFor(pid: number): boolean;
}

export interface Scene {
  readonly server: ChaosServer;
  readonly proxy: LoopbackProxy;
  readonly frozen: Frozen;
  readonly shape: Shape;
  readonly oids: Oids;
  /** Created by a person, and detached; in their order. */
  readonly dbaPairs: DbaPair[];
  /** Past the proxy. */
  readonly url: string;
  /** A standby with readers, where the schedule has one. */
  readonly standby: StandbyScene | null;
  /** Through the proxy: what the handlers are given. */
  readonly proxiedUrl: string;
  /** The process that runs the handlers now. */
  runner(): Runner;
  /** Input of the execution under way. */
  input(): Readonly<Record<string, unknown>>;
  /** Every call of a handler so far, of this and of earlier executions. */
  readonly invocations: readonly Invocation[];
  readonly failures: readonly Failure[];
  /** Tells that a fault has really struck. */
  struck(kind: Kind): void;
  /** Tells what no fault excuses. */
  violated(what: string): void;
  /** A line of the schedule's timeline. */
  note(text: string): void;
  /** Awaited before the schedule goes on to the next execution. */
  background(work: Promise<unknown>): void;
  /** Fulfilled when nothing goes on in the background any more. */
  settled(): Promise<void>;
  /** There is no space for an index for that long. */
  fillDisk(durationMs: number): Promise<void>;
}

/** Where a fault strikes: the connection whose statement triggered it, if one did. */
export type Place = ProxiedConnection | null;

/** A session of a person or an application, past the proxy. */
export async function session(url: string, name: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: name });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Runs `work` in a session of its own; undefined where the server was shut down meanwhile. */
export async function withSession<Result>(
  scene: Pick<Scene, 'url' | 'server'>,
  name: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result | undefined> {
  let client: Client | undefined;
  try {
    await scene.server.up();
    client = await session(scene.url, name);
    return await work(client);
  } catch {
    return undefined;
  } finally {
    await client?.end().catch(() => undefined);
  }
}
