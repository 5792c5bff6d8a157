/** Which process runs an execution, and whether it still does: seen from another process, or after a restart. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** How often the process that runs an execution says that it lives. */
export const BEAT_MS = 1_000;

/** After so long without a word the process is taken for dead, where no better sign can be had. */
const SILENCE_MS = 60_000;

export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** Tells this process from an earlier one with its number; empty where the system does not say. */
  readonly started: string;
}

export function thisProcess(): Owner {
  return { host: hostname(), pid: process.pid, started: startOf(process.pid) };
}

/**
 * A container has a host name and process numbers of its own, so a number means something on its own host only;
 * elsewhere the last sign of life counts.
 *
 * @param seenAt milliseconds since the epoch
 */
export function isAlive(owner: Owner, seenAt: number, now: number = Date.now()): boolean {
  if (owner.host !== hostname()) return now - seenAt < SILENCE_MS;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // Not ours to signal: but there it is.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const started = startOf(owner.pid);
  return started === '' || owner.started === '' || started === owner.started;
}

/** Field 22 of Linux's /proc/<pid>/stat, counted behind the command's name, which may hold anything. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
