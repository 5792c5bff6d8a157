/** State DropPairForeignKeys: what the migration added goes. */
import { MigrationEvent } from '../core/contracts/steps/events.ts';
import { dropPairForeignKeys } from '../core/steps/rollback/drop-pair-foreign-keys.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('drop-pair-foreign-keys', MigrationEvent, dropPairForeignKeys);
