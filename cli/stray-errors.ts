/**
 * The last resort of a process that runs migrations: an error that was not caught, or an output that was closed,
 * is no reason to end one. What is done is in the database, behind fence and ledger, so going on is safe.
 */
import { messageOf } from '../core/contracts/errors.ts';
import { redact } from '../core/contracts/redact.ts';
import { oneLine } from './text.ts';

let guards = 0;

/** Whether this process runs something that has to outlive a closed output. */
export function outlivesItsOutput(): boolean {
  return guards > 0;
}

/**
 * From now on such an error is one line. As soon as the last guard is disposed of, Node's own rule holds again: it ends the
 * process.
 *
 * @param warn a line for a person
 */
export function surviveStrayErrors(warn: (line: string) => void): { dispose(): void } {
  const tell = (error: unknown): void => {
    try {
      const name = error instanceof Error ? error.name : 'Error';
      const where = process.env.P2PFK_DEBUG === '1' && error instanceof Error ? ` ${redact(error.stack ?? '')}` : '';
      warn(oneLine(`an unexpected error was survived; what runs goes on: ${name}: ${messageOf(error)}${where}`));
    } catch {
      // Where even this cannot be told, the migration is still the more important thing.
    }
  };
  guards += 1;
  process.on('uncaughtException', tell);
  process.on('unhandledRejection', tell);
  return {
    dispose() {
      guards -= 1;
      process.off('uncaughtException', tell);
      process.off('unhandledRejection', tell);
    },
  };
}
