/** State ValidateForeignKey: the rows of one pair. */
import { PairEvent } from '../core/contracts/steps/events.ts';
import { eachPair, isValidated } from '../core/steps/batch.ts';
import { validateForeignKey } from '../core/steps/forward/validate-foreign-key.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('validate-foreign-key', PairEvent, eachPair(validateForeignKey, isValidated));
