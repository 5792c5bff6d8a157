/**
 * A call that does nothing: Lambda takes the network interface of a function in a VPC away when it was not called for weeks, and the
 * next call fails. A schedule keeps the functions able to start that are needed on a bad day only.
 * https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
 */
import * as z from 'zod';
import { KEEP_READY } from '../core/contracts/aws/keep-ready.ts';

const Probe = z.strictObject({ p2pfk: z.literal(KEEP_READY.p2pfk) });

/** Answer to {@link KEEP_READY}; no session is opened. */
export const READY = { status: 'READY' } as const;

export function isReadinessProbe(event: unknown): boolean {
  return Probe.safeParse(event).success;
}
