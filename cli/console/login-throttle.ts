/** How often a password may be tried, from all addresses together: an attacker has many of them. */

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 16_000;

/** After each wrong password none is looked at for a while: 1 s, then twice as long each time, up to 16 s. */
export class LoginThrottle {
  readonly #now: () => number;
  #failures = 0;
  #closedUntil = 0;

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Milliseconds until the next password is looked at; 0: it is now. */
  get waitMs(): number {
    return Math.max(0, Math.ceil(this.#closedUntil - this.#now()));
  }

  /** @returns milliseconds until the next password is looked at */
  failed(): number {
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#closedUntil = this.#now() + pause;
    return pause;
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
