/** Brings a migration to rest whose execution died. */
import { ReconcileEvent } from '../../core/contracts.ts';
import { reconcile } from '../../core/steps/reconcile.ts';
import { stepHandler } from '../handler.ts';

export const handler = stepHandler('reconcile', ReconcileEvent, reconcile);
