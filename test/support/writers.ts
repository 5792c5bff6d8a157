/** An application that writes to `inode` and `path` without a pause, and measures how long it is kept waiting. */
import type { Client } from 'pg';
import type { TestDatabase } from './database.ts';
import { waitUntil } from './observe.ts';

export const WRITERS = 8;

export interface Load {
  /** Statements so far. */
  statements(): number;
  /** Milliseconds of the longest statement since this was last asked. */
  longest(): number;
  /** SQLSTATEs of statements that failed. */
  readonly errors: (string | undefined)[];
  stop(): Promise<void>;
}

/** Half of the writers commit each statement, the others all three together: both orders of the two tables occur. */
export async function startWriters(
  db: TestDatabase,
  media: readonly string[] = ['one', 'two', 'three'],
): Promise<Load> {
  const errors: (string | undefined)[] = [];
  let running = true;
  let statements = 0;
  let longest = 0;
  const run = async (client: Client, sql: string) => {
    const from = performance.now();
    await client.query(sql);
    longest = Math.max(longest, performance.now() - from);
    statements++;
  };
  const clients = await Promise.all(Array.from({ length: WRITERS }, () => db.client()));
  const workers = clients.map(async (client, number) => {
    for (let ino = 1_000_000 + number; running; ino += WRITERS) {
      const medium = media[ino % media.length];
      const file = [
        `INSERT INTO inode VALUES ('${medium}', ${ino}, 1)`,
        `INSERT INTO path VALUES ('${medium}', ${ino}, 'a file')`,
        `DELETE FROM inode WHERE medium = '${medium}' AND ino = ${ino}`,
      ];
      const work = number % 2 === 0 ? file : ['BEGIN', ...file, 'COMMIT'];
      try {
        for (const sql of work) await run(client, sql);
      } catch (error) {
        errors.push((error as { code?: string }).code);
        await client.query('ROLLBACK');
      }
    }
  });
  await waitUntil(() => statements > 20 * WRITERS, 'all writers to be at work');
  return {
    statements: () => statements,
    longest: () => {
      const value = longest;
      longest = 0;
      return value;
    },
    errors,
    stop: async () => {
      running = false;
      await Promise.all(workers);
    },
  };
}
