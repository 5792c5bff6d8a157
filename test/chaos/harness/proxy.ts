/**
 * A TCP proxy on the loopback between the handlers and PostgreSQL. It knows where a statement begins, so a fault can
 * strike before any statement is sent, or after it was sent and before its answer comes back. It cuts, delays, freezes
 * and closes one half.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { ProxiedConnection, type StatementListener, type Weather } from './proxied-connection.ts';

export class LoopbackProxy {
  readonly #server: Server;
  readonly #open = new Set<ProxiedConnection>();
  readonly #weather: Weather = { latencyMs: 0, thaw: null };
  #listener: StatementListener | null = null;
  #targetPort: number;
  #refusing = 0;
  #accepted = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client: Socket) => {
      if (this.#refusing > 0) {
        client.resetAndDestroy();
        return;
      }
      this.#accepted += 1;
      const connection: ProxiedConnection = new ProxiedConnection(client, this.#targetPort, {
        weather: this.#weather,
        listener: () => this.#listener,
        closed: () => this.#open.delete(connection),
      });
      this.#open.add(connection);
    });
  }

  static async start(targetPort: number): Promise<LoopbackProxy> {
    const proxy = new LoopbackProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that stand, oldest first. */
  get connections(): readonly ProxiedConnection[] {
    return [...this.#open];
  }

  listen(listener: StatementListener | null): void {
    this.#listener = listener;
  }

  /** New connections lead to another server, as a name does after a failover. */
  leadTo(targetPort: number): void {
    this.#targetPort = targetPort;
  }

  /** From now on every chunk takes that long in each direction; 0 ends it. */
  slow(latencyMs: number): void {
    this.#weather.latencyMs = latencyMs;
  }

  /** Nothing passes, not even the end of a connection, until the returned function is called. */
  freeze(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#weather.thaw = promise;
    return () => {
      if (this.#weather.thaw === promise) this.#weather.thaw = null;
      resolve();
    };
  }

  /** How many connections there were so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** All connections are reset, and each new one, until the returned function is called. */
  refuse(): () => void {
    this.#refusing += 1;
    for (const connection of this.#open) connection.cut();
    return () => {
      this.#refusing -= 1;
    };
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    this.#listener = null;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.#open) connection.cut();
    await closed;
  }
}
