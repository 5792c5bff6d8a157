/**
 * Cleanup at the end of the process, so that nothing of an embedded server outlives it: no server, no directory, no password. It
 * runs at a normal end, `process.exit`, an uncaught exception, and the signals below, but not at SIGKILL, which a process cannot
 * handle.
 *
 * Cleanups are synchronous, because a process that exits waits for nothing. The exit code stays the same: after a signal the
 * process dies of that same signal, so a shell sees 130 for Ctrl-C and 143 for SIGTERM.
 */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Removes what is left, synchronously. Must be safe to call at any time, and must not throw. */
export type Cleanup = () => void;

const pending = new Set<Cleanup>();
let handlingSignals = false;

/**
 * Registers a cleanup for the end of the process.
 *
 * @param handleSignals also act on SIGINT, SIGTERM and SIGHUP: clean up, then raise the signal again. A program's own handlers
 *   are called a second time by that; such a program can pass false, because its exit runs the cleanup anyway.
 * @returns function that removes the registration, for when there is nothing left to clean up
 */
export function cleanUpAtExit(cleanup: Cleanup, handleSignals: boolean): () => void {
  if (pending.size === 0) process.on('exit', cleanUp);
  if (handleSignals && !handlingSignals) {
    handlingSignals = true;
    for (const signal of SIGNALS) process.on(signal, cleanUpAndExit);
  }
  pending.add(cleanup);
  return () => {
    pending.delete(cleanup);
    if (pending.size === 0) unregister();
  };
}

function cleanUp(): void {
  for (const cleanup of pending) cleanup();
  pending.clear();
}

function cleanUpAndExit(signal: NodeJS.Signals): void {
  cleanUp();
  unregister();
  process.kill(process.pid, signal);
}

function unregister(): void {
  handlingSignals = false;
  process.removeListener('exit', cleanUp);
  for (const signal of SIGNALS) process.removeListener(signal, cleanUpAndExit);
}

/** Blocks this thread until the condition holds, or for `timeoutMs`. For exit handlers only. */
export function blockUntil(condition: () => boolean, timeoutMs: number): void {
  const deadline = Date.now() + timeoutMs;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (!condition() && Date.now() < deadline) Atomics.wait(cell, 0, 0, 5);
}
