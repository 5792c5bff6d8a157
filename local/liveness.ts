/** The liveness session of a local execution: it shows the database that the execution lives, for exactly as long as it does. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../core/ledger/connect.ts';
import { forgetExecution, holdExecution } from '../core/ledger/liveness.ts';
import { ledgerOwnerOf } from '../lambdas/ledger-owner.ts';

/** Milliseconds before a lost liveness session is opened again: a server restart takes some seconds. */
const RECONNECT_MS = 1_000;

/** Holds the liveness key that `holdExecution` took, and takes it again when its session is lost. */
export class Liveness {
  readonly #executionArn: string;
  #client: Awaited<ReturnType<typeof connect>> | null = null;
  #ended = false;

  private constructor(executionArn: string) {
    this.#executionArn = executionArn;
  }

  /** @throws ConnectionRefused, ConnectionLost when the database cannot be reached at the start */
  static async begin(executionArn: string): Promise<Liveness> {
    const liveness = new Liveness(executionArn);
    await liveness.#hold();
    return liveness;
  }

  /** Closes the session: from now on the execution counts as ended. */
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
      // The timer must not keep the process alive.
      await delay(RECONNECT_MS, undefined, { ref: false });
      try {
        return await this.#hold();
      } catch {
        // The server is still unreachable. The steps notice that themselves, and are retried by the state machine.
      }
    }
  }
}
