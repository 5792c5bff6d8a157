/** The process that runs an execution, and whether it still lives, as seen from another process or after a restart. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Milliseconds between two signs of life of the process that runs an execution. */
export const BEAT_MS = 1_000;

/** Milliseconds without a sign of life after which a process on another host counts as dead. */
const SILENCE_MS = 60_000;

/** A process, identified beyond the life of its number. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** Distinguishes this process from an earlier one with the same number; empty where the system does not provide it. */
  readonly started: string;
}

/** The process that runs this code. */
export function thisProcess(): Owner {
  return { host: hostname(), pid: process.pid, started: startOf(process.pid) };
}

/**
 * Whether a process lives. A container has its own host name and process numbers, so a number has a meaning only on its own host;
 * for other hosts the last sign of life decides.
 *
 * @param seenAt milliseconds since the epoch
 */
export function isAlive(owner: Owner, seenAt: number, now: number = Date.now()): boolean {
  if (owner.host !== hostname()) return now - seenAt < SILENCE_MS;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: the process exists, but we may not signal it.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const started = startOf(owner.pid);
  return started === '' || owner.started === '' || started === owner.started;
}

/**
 * Start time of a process: field 22 of Linux's /proc/<pid>/stat, counted from behind the command's name, which may contain
 * anything.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
