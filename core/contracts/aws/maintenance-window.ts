/**
 * Maintenance windows: when a window opens, how long it is, and what is started in it. Times are in the format of EventBridge
 * Scheduler. The stack and `p2pfk schedule` make the same schedule from it. Pure.
 */
import * as z from 'zod';
import { ExecutionInput } from '../execution-input.ts';

/** Longest window, in minutes. */
export const MINUTES_IN_A_DAY = 24 * 60;

const CRON = /^cron\(\S+( \S+){5}\)$/;
/** Format of Scheduler: without an offset, because the time zone is a separate field. */
const AT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/;

/** Keys of the input that the opening itself sets. */
const RESERVED = ['opensAt', 'windowMinutes', 'deadline'] as const;

/** A window as it is configured. */
export const MaintenanceWindow = z
  .strictObject({
    /** When it opens, repeatedly: `cron(0 3 ? * SUN *)`. */
    cron: z.string().regex(CRON, 'expected cron(minutes hours day-of-month month day-of-week year)').optional(),
    /** When it opens, once, in local time of `timeZone`: `2027-01-31T03:00`. */
    at: z.string().regex(AT, 'expected a local time without offset, such as 2027-01-31T03:00').optional(),
    /** IANA name. There is no default: a window that silently means UTC would open at the wrong hour. */
    timeZone: z.string().refine(isTimeZone, 'expected an IANA time zone, such as Europe/Berlin'),
    /** Length of the window. An opening that could not be delivered until its end is dropped; no pair is begun after it. */
    minutes: z.int().min(1).max(MINUTES_IN_A_DAY),
    /**
     * The execution's input, without a deadline, which is the end of the window. It is checked here, because no person watches
     * the opening.
     */
    input: ExecutionInput,
  })
  .refine(({ cron, at }) => (cron === undefined) !== (at === undefined), 'expected either cron or at')
  .refine(
    ({ input }) => RESERVED.every((key) => input[key] === undefined),
    `the input must not hold ${RESERVED.join(', ')}: the window itself brings them`,
  );
/** A window as it is written: keys with defaults may be left out. */
export type MaintenanceWindow = z.input<typeof MaintenanceWindow>;

/** The properties of a schedule for a window. */
export interface Opening {
  /** `cron(...)` or `at(...)`. */
  readonly expression: string;
  readonly timeZone: string;
  /** The execution's input, in which Scheduler fills in the time of the opening. */
  readonly input: Readonly<Record<string, unknown>>;
  /**
   * Retries of one delivery. Scheduler's default is 185 retries within a day, which could deliver an opening after the window's
   * end.
   */
  readonly retries: number;
  readonly maximumEventAgeSeconds: number;
}

/** Scheduler replaces this with the time for which the opening was planned, even if it is delivered later. */
const SCHEDULED_TIME = '<aws.scheduler.scheduled-time>';

const RETRIES = 3;

/**
 * The schedule for a window. It does not contain the deadline, because Scheduler cannot add: the plan step adds `windowMinutes`
 * to `opensAt`, and recognizes by `opensAt` an opening that was delivered twice.
 *
 * @throws ZodError when the window or the execution input is not well formed
 */
export function openingOf(window: MaintenanceWindow): Opening {
  const { cron, at, timeZone, minutes, input } = MaintenanceWindow.parse(window);
  return {
    expression: cron ?? `at(${at?.length === 16 ? `${at}:00` : at})`,
    timeZone,
    // With the defaults filled in, so that the schedule shows what will happen, even after an upgrade changes a default.
    input: { ...input, opensAt: SCHEDULED_TIME, windowMinutes: minutes },
    retries: RETRIES,
    maximumEventAgeSeconds: Math.max(60, minutes * 60),
  };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    // Offsets such as +01:00 are accepted there, too, and abbreviations such as EST: neither has daylight saving time.
    return name === 'UTC' || name.includes('/');
  } catch {
    return false;
  }
}
