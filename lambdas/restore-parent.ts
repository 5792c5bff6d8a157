/** State RestoreParentForPair: one leaf of the parent FK, without a scan under lock. */
import { PairEvent } from '../core/contracts/steps/events.ts';
import { eachPair, isRestored } from '../core/steps/batch.ts';
import { restoreParentForPair } from '../core/steps/rollback/restore-parent.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('restore-parent', PairEvent, eachPair(restoreParentForPair, isRestored));
