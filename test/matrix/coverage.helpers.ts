/**
 * Invariant I1, watched from another session while a migration or rollback runs: at every instant each referencing leaf
 * has an enforced foreign key, its pair's or the parent's. Reads the catalog only: a look at the tables themselves would
 * hold a lock that the drop, which goes NOWAIT, runs into.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';

const PAUSE_MS = 20;

/** One statement, so one snapshot: leaves without any foreign key whose two check triggers are enabled. */
const UNCOVERED = `
  SELECT l.leaf::regclass::text AS leaf
    FROM unnest($1::oid[]) AS l(leaf)
   WHERE NOT EXISTS (
         SELECT 1 FROM pg_constraint c
          WHERE c.conrelid = l.leaf AND c.contype = 'f'
            AND (SELECT count(*) FROM pg_trigger g
                  WHERE g.tgconstraint = c.oid AND g.tgrelid = l.leaf AND g.tgenabled IN ('O', 'A')) >= 2)`;

export interface Coverage {
  /** Ends the watch. */
  stop(): Promise<{ readonly looks: number; readonly uncovered: readonly string[] }>;
}

export function watchCoverage(client: Client, leaves: readonly number[]): Coverage {
  let running = true;
  let looks = 0;
  const uncovered = new Set<string>();
  const watching = (async () => {
    while (running) {
      const { rows } = await client.query<{ leaf: string }>(UNCOVERED, [leaves]);
      looks += 1;
      for (const { leaf } of rows) uncovered.add(leaf);
      await delay(PAUSE_MS);
    }
  })();
  return {
    stop: async () => {
      running = false;
      await watching;
      return { looks, uncovered: [...uncovered] };
    },
  };
}
