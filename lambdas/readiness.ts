/**
 * The readiness probe: an event for which a function does nothing. Lambda reclaims the network interface of a function in a VPC
 * that was not called for weeks, and the next call fails. A schedule sends this event to functions that are otherwise called only
 * when something fails, so that they can always start. https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
 */
import * as z from 'zod';
import { KEEP_READY } from '../core/contracts/aws/keep-ready.ts';

const Probe = z.strictObject({ p2pfk: z.literal(KEEP_READY.p2pfk) });

/** Answer to {@link KEEP_READY}; no session is opened for it. */
export const READY = { status: 'READY' } as const;

/** @returns whether the event is {@link KEEP_READY} */
export function isReadinessProbe(event: unknown): boolean {
  return Probe.safeParse(event).success;
}
