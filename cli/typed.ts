/** A connection string that was typed into the wrong option of any command: refused before the command begins, and not printed. */
import type { Command } from 'commander';
import { HOLDS_CREDENTIALS, isCredential } from '../core/contracts/credentials.ts';
import { InvalidInput } from '../core/contracts/errors.ts';

/** Options that take a connection string. They become this process's own, and no part of what is kept. */
export const CONNECTIONS: ReadonlySet<string> = new Set(['databaseUrl', 'reader']);

/** @throws InvalidInput that names the option; also where its value came from an environment variable */
export function refuseTypedCredentials(command: Command): void {
  for (const option of command.options) {
    const key = option.attributeName();
    if (CONNECTIONS.has(key) || !isCredential(key, command.getOptionValue(key))) continue;
    const variable = command.getOptionValueSource(key) === 'env' ? ` (${option.envVar})` : '';
    throw new InvalidInput(
      `${option.long ?? option.flags}${variable} ${HOLDS_CREDENTIALS}; only --database-url takes one`,
    );
  }
}
