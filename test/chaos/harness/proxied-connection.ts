/** One connection through the proxy: two sockets, and what lies between them. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  backendPidOf,
  completesStatement,
  type Frame,
  FrameReader,
  requestsEncryption,
  sqlOf,
  startupParameters,
} from './wire.ts';

/** The state of the network, shared by all connections of a proxy. */
export interface Weather {
  latencyMs: number;
  /** While set, nothing passes until it is fulfilled. */
  thaw: Promise<void> | null;
}

interface Surroundings {
  readonly weather: Weather;
  listener(): StatementListener | null;
  closed(): void;
}

export class ProxiedConnection {
  /** application_name, such as `p2pfk/1/add-foreign-key/2`. */
  application = '';
  /** Process id of the server's backend, once it is known. */
  backendPid: number | null = null;

  readonly #client: Socket;
  readonly #server: Socket;
  readonly #surroundings: Surroundings;
  /** What is on its way, in order: towards the server, and back. */
  #up: Promise<void> = Promise.resolve();
  #down: Promise<void> = Promise.resolve();
  #unsent: Frame[] = [];
  /** Texts of prepared statements, by name. */
  readonly #prepared = new Map<string, string>();
  #answersHeld: Promise<void> = Promise.resolve();
  /** A side that was lost hears and says nothing more. */
  #clientLost = false;
  #serverLost = false;
  #roundTrips = 0;
  #clientWaits = false;

  constructor(client: Socket, targetPort: number, surroundings: Surroundings) {
    this.#client = client;
    this.#surroundings = surroundings;
    this.#server = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#pumpUp();
    this.#pumpDown();
  }

  /** Step of the handler: `add-foreign-key`, `run/ValidateForeignKeys` for what may outlive it, `execution`. */
  get step(): string {
    const [product, , ...rest] = this.application.split('/');
    if (product !== 'p2pfk') return this.application === 'p2pfk execution' ? 'execution' : this.application;
    return rest.filter((part) => !/^\d+$/.test(part)).join('/');
  }

  /** How often the client has asked for something after an answer had come: what it sends meanwhile costs no time of its own. */
  get roundTrips(): number {
    return this.#roundTrips;
  }

  /** Both sides see a reset at once. */
  cut(): void {
    this.#clientLost = true;
    this.#serverLost = true;
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
    this.#surroundings.closed();
  }

  /** The client sees the end; the server believes that the client is still there, until `server sees it` is called. */
  loseClient(): { serverSees(): void } {
    this.#clientLost = true;
    this.#client.end();
    return {
      serverSees: () => {
        this.#serverLost = true;
        this.#server.destroy();
        this.#surroundings.closed();
      },
    };
  }

  /** The server sees the end; the client waits for an answer that never comes, until `client sees it` is called. */
  loseServer(): { clientSees(): void } {
    this.#serverLost = true;
    this.#server.end();
    return {
      clientSees: () => {
        this.#clientLost = true;
        this.#client.resetAndDestroy();
        this.#surroundings.closed();
      },
    };
  }

  /** Nothing passes any more, and neither side hears of it, until the function that is returned tells the server. */
  loseBoth(): { serverSees(): void } {
    this.#clientLost = true;
    this.#serverLost = true;
    const given = () => {
      this.#client.destroy();
      if (this.#server.destroyed) this.#surroundings.closed();
    };
    this.#client.once('end', given);
    this.#client.once('close', given);
    return {
      serverSees: () => {
        this.#server.resetAndDestroy();
        if (this.#client.destroyed) this.#surroundings.closed();
      },
    };
  }

  #pumpUp(): void {
    const reader = new FrameReader('startup');
    this.#client.on('data', (chunk: Buffer) => {
      if (!this.#clientWaits) this.#roundTrips += 1;
      this.#clientWaits = true;
      const due = this.#due();
      for (const frame of reader.push(chunk)) this.#up = this.#up.then(() => this.#towardsServer(frame, due));
    });
    this.#client.on('error', () => this.#client.destroy());
    // A client that closes has gone for good: node-postgres sends Terminate and ends, a killed process is just gone.
    const gone = () => {
      this.#up = this.#up.then(async () => {
        await this.#weather();
        if (this.#clientLost) return;
        this.#clientLost = true;
        this.#server.destroy();
        this.#client.destroy();
        this.#surroundings.closed();
      });
    };
    this.#client.once('end', gone);
    this.#client.once('close', gone);
  }

  #pumpDown(): void {
    const reader = new FrameReader('typed');
    this.#server.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) this.backendPid ??= backendPidOf(frame) ?? null;
      const due = this.#due();
      this.#down = this.#down.then(async () => {
        await this.#answersHeld;
        await this.#weather(due);
        this.#clientWaits = false;
        if (!this.#clientLost && !this.#serverLost) this.#client.write(chunk);
      });
    });
    this.#server.on('error', () => this.#server.destroy());
    const gone = () => {
      this.#down = this.#down.then(async () => {
        await this.#weather();
        if (this.#serverLost) return;
        this.#serverLost = true;
        this.#client.destroy();
        this.#server.destroy();
        this.#surroundings.closed();
      });
    };
    this.#server.once('end', gone);
    this.#server.once('close', gone);
  }

  async #towardsServer(frame: Frame, due: number): Promise<void> {
    if (requestsEncryption(frame)) {
      // As a server without TLS answers: statements can be told apart in plain text only.
      await this.#weather(due);
      if (!this.#clientLost) this.#client.write('N');
      return;
    }
    if (frame.type === '') this.application = startupParameters(frame).get('application_name') ?? '';
    this.#unsent.push(frame);
    const isPart = frame.type === 'P' || frame.type === 'B' || frame.type === 'D' || frame.type === 'E';
    if (isPart) return;
    const sql = this.#unsent.map((part) => sqlOf(part, this.#prepared)).find((text) => text !== undefined);
    const bytes = Buffer.concat(this.#unsent.map((part) => part.bytes));
    this.#unsent = [];
    // A session that several steps use has its name from a statement: local/sessions/again.ts.
    this.application = /SET application_name = '([^']*)'/.exec(sql ?? '')?.[1] ?? this.application;
    const listener = completesStatement(frame) && sql !== undefined ? this.#surroundings.listener() : null;
    const statement = { sql: sql ?? '' };
    await listener?.before(this, statement);
    await this.#weather(due);
    if (this.#clientLost || this.#serverLost) return;
    if (listener === null) {
      this.#server.write(bytes);
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answersHeld = promise;
    this.#server.write(bytes);
    try {
      await listener.after(this, statement);
    } finally {
      resolve();
    }
  }

  /** When what comes now is through: what is sent together arrives together. */
  #due(): number {
    return performance.now() + this.#surroundings.weather.latencyMs;
  }

  async #weather(due = this.#due()): Promise<void> {
    const { weather } = this.#surroundings;
    while (weather.thaw !== null) await weather.thaw;
    const ms = due - performance.now();
    if (ms > 0) await delay(ms);
  }
}

export interface Statement {
  readonly sql: string;
}

/** What a test hangs in between. The statement, or its answer, is held until the promise is fulfilled. */
export interface StatementListener {
  before(connection: ProxiedConnection, statement: Statement): Promise<void>;
  after(connection: ProxiedConnection, statement: Statement): Promise<void>;
}
