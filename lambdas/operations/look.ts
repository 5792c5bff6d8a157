/** Looks for migrations whose execution died without an event. */
import { LookEvent } from '../../core/contracts/steps/events.ts';
import { look } from '../../core/steps/operations/look.ts';
import { stepHandler } from '../handler.ts';

export const handler = stepHandler('look', LookEvent, look);
