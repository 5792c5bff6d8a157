/** Brings a migration to rest whose execution died. */
import { z } from 'zod';
import { reconcile } from '../../core/steps/reconcile.ts';
import { stepHandler } from '../handler.ts';

/** `execution` is the ARN of the one that died, `reason` its status: FAILED, TIMED_OUT or ABORTED. */
const ReconcileEvent = z.object({ execution: z.string().min(1), reason: z.string().min(1) });

export const handler = stepHandler('reconcile', ReconcileEvent, reconcile);
