/** The pace of an execution, as a person has set it. Pure. */

import { byWhomSince, type Pace } from '../../core/contracts/pace.ts';
import type { ChangedPace } from '../../core/ledger/change-pace.ts';
import { AS_STATED } from '../../report/words.ts';

/** One line; null where the execution runs as it was started. */
export function paceInWords({ limit, limitAtStart, throttle, hold }: Pace): string | null {
  const parts = [
    ...(hold === null ? [] : [`held ${byWhomSince(hold)}`]),
    ...(throttle === null ? [] : [`${limit} of ${limitAtStart} pairs side by side, set ${byWhomSince(throttle)}`]),
  ];
  return parts.length === 0 ? null : parts.join('; ');
}

/** What follows is a command to copy, without `p2pfk`. */
export interface PaceLines {
  readonly changed: ChangedPace;
  readonly command: 'throttle' | 'hold' | 'resume';
  /** `--table T` and the connection as they were given, quoted for a shell. */
  readonly here: string;
}

export function paceLines({ changed: pace, command, here }: PaceLines): string[] {
  const head = `Migration    ${pace.migrationId}: ${pace.constraint} on ${pace.table}`;
  return [head, `Execution    ${pace.execution}`, ...linesOf(pace, command, here)];
}

function linesOf(pace: ChangedPace, command: PaceLines['command'], here: string): string[] {
  const { changed, hold, maxConcurrency, maxConcurrencyAtStart } = pace;
  const of = `${maxConcurrency} of ${maxConcurrencyAtStart} pairs side by side`;
  switch (command) {
    case 'hold': {
      const by = hold === null ? '' : ` ${byWhomSince(hold)} (${AS_STATED})`;
      return [
        changed ? `‖ Held${by}` : `‖ It was held before${by}; nothing was changed`,
        'No pair is begun, and nothing is dropped; what runs ends. After 24 hours the execution pauses. This lets it go on:',
        `  p2pfk resume ${here}`,
      ];
    }
    case 'resume':
      return [
        changed
          ? `✓ It goes on at its next look, ${of}: after seconds, or minutes where it was held for long`
          : 'It was not held; nothing was changed',
      ];
    case 'throttle':
      return [
        changed ? `✓ From now on ${of}; what runs ends` : `It is ${of} already; nothing was changed`,
        ...(hold === null ? [] : [`‖ It is held ${byWhomSince(hold)}`]),
      ];
  }
}
