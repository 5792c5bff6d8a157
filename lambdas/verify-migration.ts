/** State VerifyMigration: the six checks. */
import { MigrationEvent } from '../core/contracts/steps/events.ts';
import { verifyMigration } from '../core/steps/forward/verify-migration.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('verify-migration', MigrationEvent, verifyMigration);
