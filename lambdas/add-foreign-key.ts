/** State AddForeignKey: the pair FK of one pair, NOT VALID. */
import { PairEvent } from '../core/contracts/steps/events.ts';
import { eachPair, isAdded } from '../core/steps/batch.ts';
import { addForeignKey } from '../core/steps/forward/add-foreign-key.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('add-foreign-key', PairEvent, eachPair(addForeignKey, isAdded));
