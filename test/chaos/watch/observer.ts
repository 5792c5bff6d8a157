/**
 * Looks from a connection of its own, at a steady pace, while everything else happens. Reads the catalog and the lock
 * table only: a look at the tables themselves would hold a lock that the drop, which goes NOWAIT, runs into.
 *
 * - I1: every pair is covered by an enforced foreign key on both sides, pair or parent; NOT VALID counts.
 * - I5: nothing of ours waits for a strong lock longer than the lock budget in all.
 * - I6: while the parent FK is away, or back and not validated, every pair has a valid and enforced pair FK.
 * - online: nothing of the application is held up by us for longer than the lock budget.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { isConnectionError } from '../../../core/postgres/postgres-errors.ts';
import type { Oids } from '../harness/case.ts';

export interface ObserverOptions {
  readonly url: string;
  readonly oids: Oids;
  readonly lockTimeoutMs: number;
  up(): Promise<void>;
}

const PACE_MS = 20;
/** What a busy machine adds to any wait: generous, since what is looked for are waits without a bound. */
export const MARGIN_MS = 1_000;

/** One statement, so one snapshot of pg_constraint; a row for each pair that something is wrong with. */
const COVERAGE = `
  WITH parent AS (
    SELECT bool_or(c.convalidated) AS validated FROM pg_constraint c
     WHERE c.conrelid = $1 AND c.confrelid = $2 AND c.contype = 'f' AND c.conparentid = 0
  ), pair AS (
    SELECT l.path, l.inode FROM ROWS FROM (unnest($3::oid[]), unnest($4::oid[])) AS l(path, inode)
  ), seen AS (
    SELECT p.path, p.inode,
           EXISTS (SELECT 1 FROM pg_constraint c
                    WHERE c.conrelid = p.path AND c.contype = 'f' AND c.confrelid IN (p.inode, $2)
                      AND (SELECT count(*) FROM pg_trigger g WHERE g.tgconstraint = c.oid AND g.tgrelid = p.path
                              AND g.tgenabled IN ('O', 'A')) = 2) AS checks_rows,
           EXISTS (SELECT 1 FROM pg_constraint c
                    WHERE c.confrelid = p.inode AND c.contype = 'f' AND c.conrelid IN (p.path, $1)
                      AND (SELECT count(*) FROM pg_trigger g WHERE g.tgconstraint = c.oid AND g.tgrelid = p.inode
                              AND g.tgenabled IN ('O', 'A')) = 2) AS guards_keys,
           EXISTS (SELECT 1 FROM pg_constraint c
                    WHERE c.conrelid = p.path AND c.confrelid = p.inode AND c.contype = 'f' AND c.conparentid = 0
                      AND c.convalidated
                      AND (SELECT count(*) FROM pg_trigger g WHERE g.tgconstraint = c.oid
                              AND g.tgenabled IN ('O', 'A')) = 4) AS pair_fk
      FROM pair p
  )
  SELECT s.path::regclass::text AS path, s.checks_rows, s.guards_keys, s.pair_fk, coalesce(parent.validated, false) AS parent
    FROM seen s, parent
   WHERE NOT (s.checks_rows AND s.guards_keys) OR NOT (s.pair_fk OR coalesce(parent.validated, false))`;

/** Sessions that wait for a relation's lock, who stands in their way, and since when they wait. */
const WAITS = `
  SELECT a.pid, a.application_name AS application, a.query, a.query_start::text AS since,
         extract(epoch FROM clock_timestamp() - a.query_start)::float8 * 1000 AS milliseconds,
         (SELECT string_agg(DISTINCT b.application_name, ', ') FROM pg_stat_activity b
           WHERE b.pid = ANY (pg_blocking_pids(a.pid)) AND b.application_name LIKE 'p2pfk/%') AS ours
    FROM pg_stat_activity a
   WHERE a.datname = current_database() AND a.wait_event_type = 'Lock' AND a.application_name ~ '^(p2pfk/|app )'`;

interface Wait {
  readonly pid: number;
  readonly application: string;
  readonly query: string;
  readonly since: string;
  readonly milliseconds: number;
  readonly ours: string | null;
}

/** Waits of these stop nobody's reads or writes: they may take as long as they need. */
const HARMLESS_WAIT = /CONCURRENTLY|VALIDATE CONSTRAINT|SHARE UPDATE EXCLUSIVE|p2pfk\.|CREATE SCHEMA p2pfk/;

export class Observer {
  readonly violations: string[] = [];
  looks = 0;
  /** Longest time, in milliseconds, for which something of the application was seen to wait for something of ours. */
  longestHoldUpMs = 0;
  /** Longest wait of ours for a strong lock, in milliseconds. */
  longestWaitMs = 0;
  readonly #options: ObserverOptions;
  readonly #watching: Promise<void>;
  /** pid and statement of a waiting application -> when it was first seen to wait for us. */
  readonly #heldUp = new Map<string, number>();
  #running = true;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    let client = await this.#connect();
    while (this.#running) {
      try {
        await this.#look(client);
      } catch (error) {
        await client.end().catch(() => undefined);
        if (!isConnectionError(error)) throw error;
        client = await this.#connect();
      }
      await delay(PACE_MS);
    }
    await client.end().catch(() => undefined);
  }

  async #look(client: Client): Promise<void> {
    const { path, inode, pairs } = this.#options.oids;
    const { rows } = await client.query<{ path: string; checks_rows: boolean; guards_keys: boolean; parent: boolean }>(
      COVERAGE,
      [path, inode, pairs.map((pair) => pair.path), pairs.map((pair) => pair.inode)],
    );
    for (const pair of rows) {
      const what =
        pair.checks_rows && pair.guards_keys
          ? 'I6: the parent FK is away, or not validated, and there is no valid pair FK'
          : `I1: no enforced foreign key ${pair.checks_rows ? 'guards the keys' : 'checks the rows'}`;
      this.#violation(`${what} of ${pair.path}`);
    }
    await this.#lookForWaits(client);
    this.looks += 1;
  }

  async #lookForWaits(client: Client): Promise<void> {
    const { rows } = await client.query<Wait>(WAITS);
    const now = performance.now();
    const { lockTimeoutMs } = this.#options;
    const still = new Set<string>();
    for (const wait of rows) {
      if (wait.application.startsWith('p2pfk/')) {
        if (HARMLESS_WAIT.test(wait.query)) continue;
        this.longestWaitMs = Math.max(this.longestWaitMs, wait.milliseconds);
        if (wait.milliseconds > lockTimeoutMs + MARGIN_MS)
          this.#violation(
            `I5: ${wait.application} waits for a lock for longer than ${lockTimeoutMs} ms: ${wait.query.slice(0, 200)}`,
          );
      } else if (wait.ours !== null) {
        const key = `${wait.pid} ${wait.since} ${wait.ours}`;
        still.add(key);
        const first = this.#heldUp.get(key) ?? now;
        this.#heldUp.set(key, first);
        this.longestHoldUpMs = Math.max(this.longestHoldUpMs, now - first);
        // Once in the queue behind us, once while we hold the lock.
        if (now - first > 2 * lockTimeoutMs + MARGIN_MS)
          this.#violation(
            `online: ${wait.application} is held up by ${wait.ours} for longer than twice ${lockTimeoutMs} ms: ${wait.query.slice(0, 200)}`,
          );
      }
    }
    for (const key of this.#heldUp.keys()) if (!still.has(key)) this.#heldUp.delete(key);
  }

  #violation(text: string): void {
    if (!this.violations.includes(text)) this.violations.push(text);
  }

  async #connect(): Promise<Client> {
    for (;;) {
      await this.#options.up();
      const client = new Client({ connectionString: this.#options.url, application_name: 'observer' });
      client.on('error', () => undefined);
      try {
        await client.connect();
        // search_path: names are printed as they are in the violations.
        return client;
      } catch (error) {
        await client.end().catch(() => undefined);
        if (!isConnectionError(error)) throw error;
        await delay(20);
      }
    }
  }
}
