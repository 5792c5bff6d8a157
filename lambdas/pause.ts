/** State Pause: the next execution goes on from here. */
import { InterruptEvent } from '../core/contracts/step-events.ts';
import { pause } from '../core/steps/operations/pause.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('pause', InterruptEvent, pause);
