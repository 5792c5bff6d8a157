/** The flags of a window -> when it opens and how long it is, in Scheduler's words. */

import { MaintenanceWindow, MINUTES_IN_A_DAY } from '../../core/contracts/aws/maintenance-window.ts';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { echoed } from '../../core/contracts/redact.ts';
import type { InputFlags } from '../input-options.ts';
import type { OutputFlags } from '../options.ts';

export interface CheckedWindow {
  readonly cron?: string;
  readonly at?: string;
  readonly timeZone: string;
  readonly minutes: number;
}

/** @throws InvalidInput with one line that names the option, and what it must be */
export function checkedWindow({ at, cron, timezone, window }: ScheduleFlags): CheckedWindow {
  if ((at === undefined) === (cron === undefined)) throw new InvalidInput('a schedule needs either --at or --cron');
  if (window === undefined) throw new InvalidInput('a schedule needs --window, the length of the window, such as 2h');
  const minutes = window / 60;
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > MINUTES_IN_A_DAY) {
    throw new InvalidInput('--window must be whole minutes, from 1m to 24h');
  }
  const when = cron === undefined ? once(at ?? '', timezone) : { cron: asCron(cron), timeZone: zone(timezone) };
  const checked = MaintenanceWindow.safeParse({ ...when, minutes, input: { table: 'checked elsewhere' } });
  if (!checked.success) throw new InvalidInput(oneLineOf(checked.error.issues));
  if ('at' in when) refusePast(when);
  return { ...when, minutes };
}

function oneLineOf(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  const flag = (key: string) => (key === 'timeZone' ? '--timezone' : `--${key}`);
  return issues.map(({ path, message }) => `${flag(String(path[0] ?? 'at'))}: ${message}`).join('; ');
}

function zone(timezone: string | undefined): string {
  if (timezone === undefined) {
    throw new InvalidInput(
      '--timezone is needed, such as Europe/Berlin: a window that silently means UTC opens at the wrong hour',
    );
  }
  return timezone;
}

/** With the word around it or without. */
function asCron(text: string): string {
  return /^cron\(.*\)$/.test(text) ? text : `cron(${text.trim()})`;
}

function once(at: string, timezone: string | undefined): { at: string; timeZone: string } {
  if (!/(Z|[+-]\d{2}:?\d{2})$/.test(at)) return { at, timeZone: zone(timezone) };
  if (timezone !== undefined) throw new InvalidInput('--at has an offset of its own: leave --timezone out');
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) {
    throw new InvalidInput(`--at must be a time such as 2027-01-31T03:00, not ${echoed(at)}`);
  }
  return { at: time.toISOString().slice(0, 19), timeZone: 'UTC' };
}

/** Scheduler takes a time that has gone by, and then does nothing. */
function refusePast({ at, timeZone }: { readonly at: string; readonly timeZone: string }): void {
  // The Swedish way to write a time is the one of ISO 8601, but for the space.
  const now = new Date().toLocaleString('sv-SE', { timeZone }).replace(' ', 'T');
  if (at <= now.slice(0, at.length)) throw new InvalidInput(`--at ${at} is over: it is ${now} in ${timeZone}`);
}

export type ScheduleFlags = Omit<InputFlags, 'table'> &
  OutputFlags & {
    readonly stateMachine: string;
    readonly table?: string;
    readonly at?: string;
    readonly cron?: string;
    readonly timezone?: string;
    /** Seconds. */
    readonly window?: number;
    readonly name?: string;
    readonly list?: boolean;
    readonly remove?: string;
    readonly region?: string;
    readonly awsProfile?: string;
    readonly endpointUrl?: string;
  };
