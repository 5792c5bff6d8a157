/** Shows the database that a local execution lives, for exactly as long as it does. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../core/ledger/connect.ts';
import { forgetExecution, holdExecution } from '../core/ledger/liveness.ts';
import { ledgerOwnerOf } from '../lambdas/ledger-owner.ts';

/** Pause before a lost liveness session is opened again: a server restart takes some seconds. */
const RECONNECT_MS = 1_000;

/** Keeps what `holdExecution` took: when its session is lost, takes it again. */
export class Liveness {
  readonly #executionArn: string;
  #client: Awaited<ReturnType<typeof connect>> | null = null;
  #ended = false;

  private constructor(executionArn: string) {
    this.#executionArn = executionArn;
  }

  /** @throws ConnectionRefused, ConnectionLost when there is no database to begin with */
  static async begin(executionArn: string): Promise<Liveness> {
    const liveness = new Liveness(executionArn);
    await liveness.#hold();
    return liveness;
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#client?.end().catch(() => undefined);
    forgetExecution(this.#executionArn);
  }

  async #hold(): Promise<void> {
    const databaseUrl = process.env.DATABASE_URL;
    const client = await connect({
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
      applicationName: 'p2pfk execution',
      ledgerOwner: ledgerOwnerOf(undefined, this.#executionArn),
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
      // Without keeping the process alive.
      await delay(RECONNECT_MS, undefined, { ref: false });
      try {
        return await this.#hold();
      } catch {
        // The server is still away. The steps find out for themselves, and retry as the state machine says.
      }
    }
  }
}
