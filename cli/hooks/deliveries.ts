/** Documents on their way to one receiver. A receiver that fails or hangs is reported once, and delays nothing but the end of the process, shortly. */
import { messageOf } from '../../core/contracts/errors.ts';
import { oneLine } from '../text.ts';
import type { Milestone } from './milestones.ts';

/** A document, and its text, the same for each try. */
export interface Document {
  readonly milestone: Milestone;
  readonly body: string;
}

export interface Limits {
  /** Aborted when the process is about to end: no wait is worth it any more. */
  readonly hurry: AbortSignal;
  /** Aborted when the time is over. */
  readonly signal: AbortSignal;
}

/** @returns when it was delivered; rejects with a message for people where it was not */
export type Delivery = (document: Document, limits: Limits) => Promise<void>;

export interface DeliveriesOptions {
  /** What messages call the receiver, such as `--notify-url`. */
  readonly name: string;
  readonly deliver: Delivery;
  readonly warn: (line: string) => void;
  /** One after the other, in the order in which they happened. Without it one that fails does not delay the next one. */
  readonly inOrder: boolean;
}

/** An execution has about five documents. More than this number wait only where a receiver hangs and executions are many. */
const MOST_PENDING = 100;

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #hurry = new AbortController();
  readonly #over = new AbortController();
  readonly #pending = new Set<Promise<void>>();
  #last: Promise<void> = Promise.resolve();
  #hasWarned = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Returns at once, and never throws. */
  add(document: Document): void {
    if (this.#pending.size >= MOST_PENDING) {
      this.#warn(`${MOST_PENDING} events wait for it, and the next ones are dropped`);
      return;
    }
    const before = this.#options.inOrder ? this.#last : Promise.resolve();
    const delivered = before
      .then(() => this.#options.deliver(document, { hurry: this.#hurry.signal, signal: this.#over.signal }))
      .catch((error: unknown) => this.#warn(messageOf(error)))
      .finally(() => this.#pending.delete(delivered));
    this.#last = delivered;
    this.#pending.add(delivered);
  }

  /** Waits for what is on its way, without any pause between two tries, and not longer than `longestMs`. */
  async close(longestMs: number): Promise<void> {
    if (this.#pending.size === 0) return;
    this.#hurry.abort();
    const timer = setTimeout(() => this.#over.abort(), longestMs);
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    clearTimeout(timer);
  }

  #warn(problem: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { name, warn } = this.#options;
    warn(oneLine(`${name}: ${problem}; the migration is not affected, and this is reported once`));
  }
}
