/** State VerifyRolledBack: compares the parent FK with what it was. */
import { MigrationEvent } from '../core/contracts/steps/events.ts';
import { verifyRolledBack } from '../core/steps/rollback/verify-rolled-back.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('verify-rolled-back', MigrationEvent, verifyRolledBack);
