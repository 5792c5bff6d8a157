/** State VerifyRolledBack: compares the parent FK with what it was. */
import { MigrationEvent } from '../core/contracts.ts';
import { verifyRolledBack } from '../core/steps/verify-rolled-back.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('verify-rolled-back', MigrationEvent, verifyRolledBack);
