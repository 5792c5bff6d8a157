/**
 * The pace of a running execution, as a person may change it: a lower limit of pairs side by side, and a hold. The options of its migration in
 * the ledger have it. Pure.
 */
import * as z from 'zod';
import { Held } from './errors.ts';
import { PACE } from './options/pace.ts';
import { visible } from './safe-text.ts';

/**
 * As the ledger has it, which is not how it was typed: a note may be longer (`…` is `...` in it). What is too long for us is a wish all the
 * same: a hold that counted as none would let the parent FK be dropped.
 */
const Noted = z.string().min(1);

const Wish = z.object({
  /** Person, as stated: not verified. */
  by: Noted,
  reason: Noted.nullable(),
  /** When it was set, by the database's clock. */
  at: z.iso.datetime(),
  /** Login of the session that set it, as the database noted it. */
  login: z.string(),
});
const Throttle = Wish.extend({
  maxConcurrency: z.int().min(PACE.maxConcurrency.min).max(PACE.maxConcurrency.max),
});

export type Hold = Readonly<z.infer<typeof Wish>>;
export type Throttle = Readonly<z.infer<typeof Throttle>>;

export interface Pace {
  /** Pairs that are worked on side by side. */
  readonly limit: number;
  /** The same when the execution began: its Map states begin no more iterations at once. */
  readonly limitAtStart: number;
  /** Null where the limit is the one at the start. */
  readonly throttle: Throttle | null;
  /** Null where the execution is not held. */
  readonly hold: Hold | null;
}

/** Reads it from the options in the ledger. A value that p2pfk does not write there counts as none. */
export function paceOf(options: { readonly maxConcurrency?: number; readonly pace?: unknown }): Pace {
  const limitAtStart = options.maxConcurrency ?? PACE.maxConcurrency.default;
  const { throttle: limited, hold: held } = partsOf(options.pace);
  const throttle = Throttle.safeParse(limited).data ?? null;
  const isLower = throttle !== null && throttle.maxConcurrency < limitAtStart;
  return {
    limit: isLower ? throttle.maxConcurrency : limitAtStart,
    limitAtStart,
    throttle: isLower ? throttle : null,
    hold: Wish.safeParse(held).data ?? null,
  };
}

function partsOf(pace: unknown): { readonly throttle?: unknown; readonly hold?: unknown } {
  return typeof pace === 'object' && pace !== null ? pace : {};
}

/** `by ana@host (login ana) since 2027-01-31T04:00:00.000Z: CHG-1234`. */
export function byWhomSince({ by, login, at, reason }: Hold): string {
  return `by ${visible(by)} (login ${visible(login)}) since ${at}${reason === null ? '' : `: ${visible(reason)}`}`;
}

/** Milliseconds since it was set, at least 0: the clock of this machine may be behind the database's. */
export function sinceMs({ at }: Hold, now: number): number {
  return Math.max(0, now - Date.parse(at));
}

/** Longest hold. An execution that waits uses up its events, and a paused one waits for nothing. */
const LONGEST_HOLD_MS = 86_400_000;

/** @throws Held where it has lasted for a day: the execution pauses */
export function refuseLongHold(hold: Hold, now: number): void {
  if (sinceMs(hold, now) < LONGEST_HOLD_MS) return;
  throw new Held(
    `it was held for 24 hours ${byWhomSince(hold)}; what was done so far is kept, and the next execution goes on from here`,
  );
}

/** Before the drop, and under its locks. @throws Held where the execution is held */
export function refuseHeld(options: { readonly pace?: unknown }): void {
  const { hold } = paceOf(options);
  if (hold !== null)
    throw new Held(`the parent foreign key was not dropped: the execution is held ${byWhomSince(hold)}`);
}

/** Whether an event of the ledger tells that a person changed the pace; see `core/ledger/change-pace.ts`. */
export function isPaceStep(step: string): boolean {
  return /^(?:Hold|Resume|Throttle to \d+)$/.test(step);
}
