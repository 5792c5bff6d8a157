/** State VerifyGate: may the parent FK go? */
import { MigrationEvent } from '../core/contracts/steps/events.ts';
import { verifyGate } from '../core/steps/forward/verify-gate.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('verify-gate', MigrationEvent, verifyGate);
