/** State Fence: no forward statement from here on. */
import { InterruptEvent } from '../core/contracts/steps/events.ts';
import { fence } from '../core/steps/rollback/fence.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('fence', InterruptEvent, fence);
