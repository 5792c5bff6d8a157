/**
 * The sessions of a local execution, which its steps use one after the other: a new one costs more than most steps do. As many as steps
 * run side by side; ended with the execution. Never in Lambda, where each call opens its own.
 */
import type { Client } from 'pg';
import { LEDGER_OWNER } from '../../core/ledger/schema/state.ts';
import { toNamedError } from '../../core/postgres/postgres-errors.ts';
import { plansKept } from '../../core/postgres/sql.ts';
import { openSession } from '../../lambdas/database.ts';
import type { Sessions } from '../../lambdas/handler.ts';
import { begin, mayBeKept, reset } from './again.ts';

/** Milliseconds that a session waits for the next step. An execution may pause for hours between two, for example for an approval. */
const IDLE_MS = 5_000;

/** A session of ours, while it is open. */
interface Opened {
  /** Of what decides where it leads and as whom: another one gets a session of its own. */
  readonly key: string;
  /** {@link KeptSessions.#generation} in which it was opened. */
  readonly generation: number;
}

export class KeptSessions implements Sessions {
  readonly #opened = new Map<Client, Opened>();
  readonly #idle = new Map<Client, NodeJS.Timeout>();
  /** Counts the failures: no session from before one is used again, because its cause may have been there for all of them. */
  #generation = 0;
  #isOver = false;

  readonly open = async (applicationName: string, ledgerOwner: string | undefined): Promise<Client> => {
    const key = JSON.stringify([process.env.DATABASE_URL, ledgerOwner, process.env[LEDGER_OWNER]]);
    for (let idle = this.#take(key); idle; idle = this.#take(key)) {
      if (await begin(idle, applicationName)) return idle;
      await this.#end(idle);
    }
    const generation = this.#generation;
    const client = await openSession(applicationName, ledgerOwner);
    try {
      if (await mayBeKept(client)) this.#opened.set(client, { key, generation });
    } catch (error) {
      await this.#end(client);
      throw toNamedError(error);
    }
    // A step ends a session by itself where it leaves its statement running.
    client.once('end', () => this.#opened.delete(client));
    return client;
  };

  readonly close = async (client: Client, isFailed: boolean): Promise<void> => {
    if (isFailed) await this.#retire();
    const opened = this.#opened.get(client);
    if (!opened || !this.#isUsable(opened) || !(await reset(client))) return this.#end(client);
    // An end or a failure may have come while it was reset.
    if (!this.#isUsable(opened)) return this.#end(client);
    const timer = setTimeout(() => void this.#end(client), IDLE_MS).unref();
    this.#idle.set(client, timer);
  };

  /** Ends those that no step uses; a step that still runs ends its own. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#endIdle();
  }

  #isUsable({ generation }: Opened): boolean {
    return !this.#isOver && generation === this.#generation;
  }

  async #retire(): Promise<void> {
    this.#generation++;
    await this.#endIdle();
  }

  async #endIdle(): Promise<void> {
    await Promise.all([...this.#idle.keys()].map((client) => this.#end(client)));
  }

  /** The one that knows the most query plans. */
  #take(key: string): Client | undefined {
    const [best] = [...this.#idle.keys()]
      .filter((client) => this.#opened.get(client)?.key === key)
      .sort((one, other) => plansKept(other).length - plansKept(one).length);
    clearTimeout(best && this.#idle.get(best));
    if (best) this.#idle.delete(best);
    return best;
  }

  async #end(client: Client): Promise<void> {
    clearTimeout(this.#idle.get(client));
    this.#idle.delete(client);
    this.#opened.delete(client);
    await client.end().catch(() => undefined);
  }
}
