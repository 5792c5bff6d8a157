/** State VerifyGate: may the parent FK go? */
import { MigrationEvent } from '../core/contracts.ts';
import { verifyGate } from '../core/steps/verify-gate.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('verify-gate', MigrationEvent, verifyGate);
