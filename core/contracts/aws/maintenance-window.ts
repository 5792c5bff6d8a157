/**
 * A maintenance window: when it opens, how long it is, and what is started in it. As EventBridge Scheduler writes times;
 * the stack and `p2pfk schedule` make the same schedule from it. Pure.
 */
import * as z from 'zod';
import { ExecutionInput } from '../execution-input.ts';

export const MINUTES_IN_A_DAY = 24 * 60;

const CRON = /^cron\(\S+( \S+){5}\)$/;
/** As Scheduler takes it: no offset, the time zone is a field of its own. */
const AT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/;

/** What an opening brings along itself. */
const RESERVED = ['opensAt', 'windowMinutes', 'deadline'] as const;

export const MaintenanceWindow = z
  .strictObject({
    /** When it opens, again and again: `cron(0 3 ? * SUN *)`. */
    cron: z.string().regex(CRON, 'expected cron(minutes hours day-of-month month day-of-week year)').optional(),
    /** When it opens, once, by the clocks of `timeZone`: `2027-01-31T03:00`. */
    at: z.string().regex(AT, 'expected a local time without offset, such as 2027-01-31T03:00').optional(),
    /** IANA name. No default: a window that silently means UTC opens at the wrong hour. */
    timeZone: z.string().refine(isTimeZone, 'expected an IANA time zone, such as Europe/Berlin'),
    /** Length of the window. An opening that could not be delivered by its end is dropped; no pair is begun after it. */
    minutes: z.int().min(1).max(MINUTES_IN_A_DAY),
    /** The execution's input, without its deadline: that is the end of the window. Checked here: nobody watches at 3 a.m. */
    input: ExecutionInput,
  })
  .refine(({ cron, at }) => (cron === undefined) !== (at === undefined), 'expected either cron or at')
  .refine(
    ({ input }) => RESERVED.every((key) => input[key] === undefined),
    `the input must not hold ${RESERVED.join(', ')}: the window itself brings them`,
  );
/** As it is written down: what has a default may be left out. */
export type MaintenanceWindow = z.input<typeof MaintenanceWindow>;

export interface Opening {
  /** `cron(...)` or `at(...)`. */
  readonly expression: string;
  readonly timeZone: string;
  /** The execution's input, in which Scheduler fills in the time of the opening. */
  readonly input: Readonly<Record<string, unknown>>;
  /** No delivery is tried after the window's end, nor at once by the next day: Scheduler's default is 185 tries in a day. */
  readonly retries: number;
  readonly maximumEventAgeSeconds: number;
}

/** Scheduler puts the time here for which the opening was planned, however late it is delivered. */
const SCHEDULED_TIME = '<aws.scheduler.scheduled-time>';

const RETRIES = 3;

/**
 * What a schedule has to say. The deadline is not in it, because Scheduler does no sums: the plan step adds
 * `windowMinutes` to `opensAt`, and by `opensAt` it knows an opening that was delivered twice.
 *
 * @throws ZodError when the window or the execution input is not well formed
 */
export function openingOf(window: MaintenanceWindow): Opening {
  const { cron, at, timeZone, minutes, input } = MaintenanceWindow.parse(window);
  return {
    expression: cron ?? `at(${at?.length === 16 ? `${at}:00` : at})`,
    timeZone,
    // With the defaults filled in: what will happen is read here, not in the code of some later version.
    input: { ...input, opensAt: SCHEDULED_TIME, windowMinutes: minutes },
    retries: RETRIES,
    maximumEventAgeSeconds: Math.max(60, minutes * 60),
  };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    // Offsets such as +01:00 pass too, and abbreviations such as EST: neither knows daylight saving time.
    return name === 'UTC' || name.includes('/');
  } catch {
    return false;
  }
}
