/**
 * How far away the server is. While our statements under locks are on their way, other sessions wait. So work whose answers cannot arrive
 * within the lock budget is not started: no try would succeed, and each would block the application once more.
 */
import type { Client } from 'pg';

export interface Distance {
  /** Milliseconds that a statement takes to the server and back at least. */
  readonly roundTripMs: number;
  /** Answers of the server that the work waits for under its locks, one after the other, at least, up to COMMIT. */
  readonly roundTrips: number;
  /** Milliseconds that all of these answers take. */
  readonly forecastMs: number;
}

/** Measurements at most: a process or a server that is busy for a moment must not count as far away. */
const LOOKS = 3;

/** Measures again while the work would not fit into `budgetMs`. Call it before the locks are requested. */
export async function measureDistance(client: Client, roundTrips: number, budgetMs: number): Promise<Distance> {
  let roundTripMs = Infinity;
  for (let look = 0; look < LOOKS && roundTripMs * roundTrips >= budgetMs; look++) {
    const askedAt = performance.now();
    await client.query('SELECT');
    roundTripMs = Math.min(roundTripMs, performance.now() - askedAt);
  }
  return { roundTripMs, roundTrips, forecastMs: roundTripMs * roundTrips };
}

/** Whether the network is the reason that something did not fit into the budget. */
export function isFar({ forecastMs }: Distance, budgetMs: number): boolean {
  return forecastMs > budgetMs / 2;
}

/** Part of a message: the reason, and what to do. */
export function describeDistance({ roundTripMs, roundTrips }: Distance): string {
  return `each statement takes ${Math.round(roundTripMs)} ms to the server and back, and ${roundTrips} follow each other under the locks; run p2pfk near the server, or allow more with --lock-timeout-ms`;
}
