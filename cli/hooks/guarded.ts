/** An observer whose defects do not end an execution: what it throws is one warning each. */
import type { ProgressEvent } from '../progress/events.ts';
import type { Progress } from '../progress/state.ts';
import type { Ending } from './milestones.ts';

/** Is passed what an execution does. */
export interface ExecutionObserver {
  /** @param progress with this event */
  onEvent(event: ProgressEvent, progress: Progress): void;
  onEnd(ending: Ending): void;
}

export function guarded(observer: ExecutionObserver, warn: (line: string) => void): ExecutionObserver {
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      warn(`! an event was not passed on: ${error instanceof Error ? error.name : 'Error'}`);
    }
  };
  return {
    onEvent: (event, progress) => attempt(() => observer.onEvent(event, progress)),
    onEnd: (ending) => attempt(() => observer.onEnd(ending)),
  };
}
