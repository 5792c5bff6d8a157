/** An application: writers and a reader with connections of their own, that go on whatever happens to the migration. */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import { isConnectionError } from '../../../core/postgres/postgres-errors.ts';
import { medium, type Shape } from '../harness/case.ts';
import { initialShares, type Share } from './account.ts';
import { nextOperation, type Operation } from './operations.ts';
import { pick, type Random, randomFrom } from './random.ts';

export interface WorkloadOptions {
  readonly url: string;
  readonly shape: Shape;
  readonly seed: number;
  readonly writers: number;
  /** Milliseconds between two transactions of one session, on average. */
  readonly paceMs: number;
  /** Fulfilled when the server takes connections: after a restart they come back. */
  up(): Promise<void>;
  /** The server is shut down at times: only then may a connection of the application be lost. */
  readonly restarts: boolean;
  /** The server takes no writes at times: only then may one be refused for that. */
  readonly readOnly: boolean;
  /** The disk is full at times: the application has no space either. */
  readonly diskFull: boolean;
}

/** One statement as the application saw it. */
export interface Timing {
  readonly what: string;
  readonly milliseconds: number;
  /** performance.now() at its start. */
  readonly at: number;
}

/** The reader rests that much longer than a writer: its statements read whole partitions. */
const READER_PACE = 3;

/** Nothing of the application takes that long; a statement that hangs is found that way, not waited for. */
const STATEMENT_TIMEOUT_MS = 30_000;

export class Workload {
  readonly shares: readonly Share[];
  readonly timings: Timing[] = [];
  /** What the application did not deserve. */
  readonly violations: string[] = [];
  commits = 0;
  /** Orphans and other rows that a foreign key refused, as it must. */
  refusals = 0;
  readonly #options: WorkloadOptions;
  readonly #sessions: Promise<void>[] = [];
  #running = true;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.shares = initialShares(options.shape, options.writers);
    for (const [index, share] of this.shares.entries()) this.#sessions.push(this.#write(index, share));
    this.#sessions.push(this.#read());
  }

  /** Lets every transaction come to its end. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#sessions);
  }

  async #write(writer: number, share: Share): Promise<void> {
    const random = randomFrom(this.#options.seed + writer);
    let n = writer;
    const numbers = { next: () => (n += this.#options.writers) };
    let transactions = 0;
    let client = await this.#connect(`app writer ${writer}`);
    while (this.#running) {
      const operation = nextOperation(this.#options.shape, share, random, numbers);
      transactions += 1;
      try {
        await this.#transaction(client, operation, [writer, transactions]);
        this.#accept(operation);
      } catch (error) {
        if (!isConnectionError(error)) {
          await client.query('ROLLBACK').catch(() => undefined);
          this.#refuse(operation, error);
        } else {
          this.#lost(error);
          client = await this.#connect(`app writer ${writer}`);
          // Was it committed? Its mark tells.
          const { rowCount } = await client.query('SELECT FROM app.done WHERE writer = $1 AND n = $2', [
            writer,
            transactions,
          ]);
          if (rowCount) this.#accept(operation);
        }
      }
      await this.#rest(random);
    }
    await client.end().catch(() => undefined);
  }

  async #transaction(client: Client, { name, statements }: Operation, mark: readonly number[]): Promise<void> {
    await client.query('BEGIN');
    for (const { sql, values } of statements) await this.#timed(name, client, sql, [...values]);
    await client.query('INSERT INTO app.done (writer, n) VALUES ($1, $2)', [...mark]);
    await this.#timed(`${name}: COMMIT`, client, 'COMMIT');
  }

  #accept(operation: Operation): void {
    if (operation.refused) this.violations.push(`${operation.refused}: nothing refused to ${operation.name}`);
    operation.apply();
    this.commits += 1;
  }

  #refuse(operation: Operation, error: unknown): void {
    const state = error instanceof DatabaseError ? error.code : undefined;
    if (this.#options.readOnly && state === '25006') return;
    if (this.#options.diskFull && state === '53100') return;
    if (operation.refused && state === '23503') this.refusals += 1;
    else this.violations.push(`the application could not ${operation.name}: ${state ?? ''} ${describe(error)}`);
  }

  async #read(): Promise<void> {
    const random = randomFrom(this.#options.seed - 1);
    let client = await this.#connect('app reader');
    while (this.#running) {
      const key = medium(1 + Math.floor(random() * this.#options.shape.pairs));
      const [what, sql] = pick(random, READS) ?? READS[0];
      try {
        const rows = await this.#timed(what, client, sql, [key]);
        if (what === 'look for orphans' && rows.length > 0)
          this.violations.push(`I1: a reader saw ${rows.length} orphan(s): ${JSON.stringify(rows[0])}`);
      } catch (error) {
        if (isConnectionError(error)) {
          this.#lost(error);
          client = await this.#connect('app reader');
        } else {
          this.violations.push(`the application could not ${what}: ${describe(error)}`);
        }
      }
      await this.#rest(random, READER_PACE);
    }
    await client.end().catch(() => undefined);
  }

  async #timed(what: string, client: Client, sql: string, values: unknown[] = []): Promise<unknown[]> {
    const at = performance.now();
    try {
      return (await client.query(sql, values)).rows as unknown[];
    } finally {
      this.timings.push({ what, milliseconds: performance.now() - at, at });
    }
  }

  #lost(error: unknown): void {
    if (!this.#options.restarts) this.violations.push(`the application lost its connection: ${describe(error)}`);
  }

  async #connect(name: string): Promise<Client> {
    for (;;) {
      await this.#options.up();
      const client = new Client({
        connectionString: this.#options.url,
        application_name: name,
        statement_timeout: STATEMENT_TIMEOUT_MS,
      });
      client.on('error', () => undefined);
      try {
        await client.connect();
        return client;
      } catch (error) {
        await client.end().catch(() => undefined);
        if (!isConnectionError(error)) throw error;
        this.#lost(error);
        await delay(20);
      }
    }
  }

  async #rest(random: Random, pace = 1): Promise<void> {
    await delay(random() * 2 * this.#options.paceMs * pace);
  }
}

const READS = [
  ['read a partition', 'SELECT count(*), max(name) FROM path WHERE medium = $1'],
  [
    'read both tables',
    'SELECT i.ino, count(p.name) FROM inode i LEFT JOIN path p USING (medium, ino) WHERE i.medium = $1 AND i.ino <= 20 GROUP BY i.ino',
  ],
  [
    'look for orphans',
    'SELECT p.* FROM path p LEFT JOIN inode i USING (medium, ino) WHERE p.medium = $1 AND i.ino IS NULL LIMIT 3',
  ],
] as const;

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
