/** State Pause: the next execution goes on from here. */
import { InterruptEvent } from '../core/contracts/steps/events.ts';
import { pause } from '../core/steps/pause/pause.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('pause', InterruptEvent, pause);
