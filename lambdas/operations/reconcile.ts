/** The reconciliation of a migration whose execution died: it pauses or completes it, or asks for its rollback. */
import { ReconcileEvent } from '../../core/contracts/steps/events.ts';
import { reconcile } from '../../core/steps/operations/reconcile.ts';
import { defineFunction } from '../../core/steps/step.ts';
import { handlerOf } from '../handler.ts';

export const handler = handlerOf(defineFunction('reconcile', ReconcileEvent, reconcile));
