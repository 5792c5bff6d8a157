/** The look for migrations whose execution died without an event. */
import { LookEvent } from '../../core/contracts/steps/events.ts';
import { look } from '../../core/steps/operations/look.ts';
import { defineFunction } from '../../core/steps/step.ts';
import { handlerOf } from '../handler.ts';

export const handler = handlerOf(defineFunction('look', LookEvent, look));
