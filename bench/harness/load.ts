/** An application that reads and writes beside us, from a process of its own, and remembers how long each took. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface LoadRequest {
  readonly databaseUrl: string;
  /** Bounds of the partitions that are worked on, in turns. */
  readonly media: readonly string[];
  readonly readers: number;
  readonly writers: number;
  /** Pause after each operation; 0: none at all. */
  readonly paceMs: number;
}

export interface Operation {
  readonly kind: 'read' | 'write';
  /** Its begin, milliseconds since the epoch. */
  readonly at: number;
  /** A write is three statements: two INSERTs and the DELETE. */
  readonly milliseconds: number;
  /** Milliseconds that the longest of its statements took. */
  readonly longestStatement: number;
  readonly error: string | null;
}

export interface Load {
  /** Ends after the operations under way, and tells all of them. */
  stop(): Promise<Operation[]>;
}

export async function startLoad(request: LoadRequest): Promise<Load> {
  const child = fork(join(import.meta.dirname, 'load-child.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the application ended with ${signal ?? code}`);
  });
  gone.catch(() => undefined);
  const told = async () => (await Promise.race([once(child, 'message'), gone]))[0] as unknown;
  await told();
  child.send(request);
  await told();
  return {
    stop: async () => {
      child.send('stop');
      return (await told()) as Operation[];
    },
  };
}
