/** Brings a migration to rest whose execution died. */
import { ReconcileEvent } from '../../core/contracts/steps/events.ts';
import { reconcile } from '../../core/steps/operations/reconcile.ts';
import { stepHandler } from '../handler.ts';

export const handler = stepHandler('reconcile', ReconcileEvent, reconcile);
