/** The store of executions, where there is one: for commands that look for an execution, and have no reason to make a store. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ExecutionStore, STORE_FILE } from './execution-store.ts';
import { stateDirectory } from './state-directory.ts';

/**
 * @param given `--state-dir`; see stateDirectory
 * @returns null where no execution was ever kept there
 * @throws as ExecutionStore.open
 */
export function existingStore(given: string | undefined): ExecutionStore | null {
  const directory = stateDirectory(given);
  return existsSync(join(directory, STORE_FILE)) ? ExecutionStore.open(directory) : null;
}

/** Whether an execution is kept there; null where the store cannot be read. */
export function isKept(given: string | undefined, executionArn: string): boolean | null {
  try {
    const store = existingStore(given);
    if (store === null) return false;
    try {
      return store.find(executionArn) !== null;
    } finally {
      store.close();
    }
  } catch {
    return null;
  }
}
