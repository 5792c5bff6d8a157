/** Ctrl-C: the first one stops in good order, the second one at once. */
import { ExitCode } from './exit-codes.ts';

export interface Interruption {
  readonly signal: AbortSignal;
  /** Of the signal that came, SIGINT or SIGTERM; null while none has come. */
  readonly exitCode: ExitCode | null;
  dispose(): void;
}

/**
 * Without a terminal a signal to the process group comes twice, from the group and passed on by the launcher or npm. What
 * comes so soon after the first is the first; a person who means it presses again.
 */
export const SAME_SIGNAL_MS = 1_000;

const CODES = { SIGINT: ExitCode.Interrupted, SIGTERM: ExitCode.Terminated, SIGHUP: ExitCode.HungUp } as const;

/**
 * @param onFirst is told once, when the first signal comes
 */
export function onInterrupt(onFirst: () => void): Interruption {
  const controller = new AbortController();
  let exitCode: ExitCode | null = null;
  let cameAt = 0;
  const handle = (name: NodeJS.Signals): void => {
    const code = name === 'SIGTERM' ? CODES.SIGTERM : CODES.SIGINT;
    if (exitCode !== null) {
      if (performance.now() - cameAt < SAME_SIGNAL_MS) return;
      process.exit(code);
    }
    exitCode = code;
    cameAt = performance.now();
    onFirst();
    controller.abort();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    dispose() {
      const stop = (): void => {
        process.off('SIGINT', handle);
        process.off('SIGTERM', handle);
      };
      const left = cameAt + SAME_SIGNAL_MS - performance.now();
      // The second of the two must not kill a process that is just printing its last words.
      if (exitCode !== null && left > 0) setTimeout(stop, left).unref();
      else stop();
    },
  };
}

/** For work that leaves nothing behind: the first signal already ends the process. Whatever runs at exit cleans up. */
export function onceInterrupted(onFirst: () => void): { dispose(): void } {
  const names = Object.keys(CODES) as (keyof typeof CODES)[];
  const handlers = names.map(
    (name) =>
      [
        name,
        () => {
          onFirst();
          process.exit(CODES[name]);
        },
      ] as const,
  );
  for (const [name, handle] of handlers) process.on(name, handle);
  return {
    dispose() {
      for (const [name, handle] of handlers) process.off(name, handle);
    },
  };
}
