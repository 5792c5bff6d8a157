/** Where the bound of a migration is: one pair's validation and count, each in several ways. */
import type { Client } from 'pg';
import { countMemory, readServer, validationMemory } from '../../core/catalog/server-facts.ts';
import type { Plan } from '../../core/contracts/documents.ts';
import type { BenchServer } from '../harness/bench-server.ts';
import { succeed } from '../harness/execution.ts';
import { alternate, type Measure, timed } from '../harness/statistics.ts';

/** Pairs that p2pfk works on at the same time, its default. */
export const SIDE_BY_SIDE = 4;

/** Megabytes that an execution gives its sessions, by the rules of core/catalog/server-facts.ts. */
export interface Memory {
  readonly validation: number;
  readonly count: number;
}

export async function memoryOf(client: Client): Promise<Memory> {
  const known = await readServer(client);
  return { validation: validationMemory(known, SIDE_BY_SIDE), count: countMemory(known) };
}

/** What p2pfk sets in its sessions; core/catalog/server-facts.ts says why. */
export function settingsFor({ validation, count }: Memory): string {
  return `SET random_page_cost = 1.1; SET maintenance_work_mem = '${validation}MB'; SET work_mem = '${count}MB'; SET hash_mem_multiplier = 1`;
}

/** By label. */
export type Bound = Readonly<Record<string, Measure>>;

/**
 * The largest pair alone: VALIDATE by the server's default memory and by ours, the bare anti-join that it is, the same with
 * parallel workers as our own count runs it, the bare reading of the two partitions; and with the supporting index, also at
 * the price of a random page that fits memory and solid-state disks.
 */
export async function measureBound(server: BenchServer, rounds: number, memory: Memory): Promise<Bound> {
  await server.create('bound', 'origin');
  const plan = JSON.parse(
    (await succeed(['plan', '--json', '--table', 'public.path', '--database-url', server.url('bound')])).stdout,
  ) as Plan;
  const [pair] = plan.pairs;
  if (!pair) throw new Error('there is no pair to measure');
  const client = await server.session('bound');
  const { referencing, referenced, pairConstraint } = pair;
  const from = `FROM ONLY ${referencing} f WHERE f.medium_hash IS NOT NULL AND f.ino IS NOT NULL`;
  const antiJoin = `SELECT count(*) ${from} AND NOT EXISTS (SELECT FROM ONLY ${referenced} r WHERE r.medium_hash = f.medium_hash AND r.ino = f.ino)`;
  const validate =
    (megabytes: number, randomPageCost = 4) =>
    async () => {
      await client.query(
        `ALTER TABLE ${referencing} ADD CONSTRAINT ${pairConstraint} FOREIGN KEY (medium_hash, ino) REFERENCES ${referenced} (medium_hash, ino) NOT VALID`,
      );
      await client.query(`SET maintenance_work_mem = '${megabytes}MB'; SET random_page_cost = ${randomPageCost}`);
      const milliseconds = await timed(() =>
        client.query(`ALTER TABLE ${referencing} VALIDATE CONSTRAINT ${pairConstraint}`),
      );
      await client.query(`ALTER TABLE ${referencing} DROP CONSTRAINT ${pairConstraint}`);
      return milliseconds;
    };
  const query =
    (sql: string, workers: number, megabytes: number, randomPageCost = 4) =>
    async () => {
      await client.query(
        `SET max_parallel_workers_per_gather = ${workers}; SET work_mem = '${megabytes}MB'; SET hash_mem_multiplier = 1; SET random_page_cost = ${randomPageCost}`,
      );
      return timed(() => client.query(sql));
    };
  const without = await alternate(rounds, {
    'VALIDATE, default memory': validate(64),
    'VALIDATE, our memory': validate(memory.validation),
    'bare anti-join, default memory': query(antiJoin, 0, 64),
    'bare anti-join, our memory': query(antiJoin, 0, memory.validation),
    'anti-join with workers, default work_mem': query(antiJoin, 2, 4),
    'anti-join with workers, our memory': query(antiJoin, 2, memory.count),
    'reading both partitions': query(
      `SELECT (SELECT count(ino) FROM ${referencing}), (SELECT count(size) FROM ${referenced})`,
      0,
      64,
    ),
  });
  await client.query(`CREATE INDEX ON ${referencing} (medium_hash, ino)`);
  const withIndex = await alternate(rounds, {
    'VALIDATE, our memory, with the index': validate(memory.validation),
    'VALIDATE, our memory, with the index and random_page_cost 1.1': validate(memory.validation, 1.1),
    'count, our memory, with the index and random_page_cost 1.1': query(antiJoin, 0, memory.count, 1.1),
  });
  await client.end();
  await server.drop('bound');
  return { ...without, ...withIndex };
}
