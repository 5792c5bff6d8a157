/** State DropParentForeignKey: the verified drop. */
import { MigrationEvent } from '../core/contracts/steps/events.ts';
import { dropParentForeignKey } from '../core/steps/forward/drop-parent-foreign-key.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('drop-parent-foreign-key', MigrationEvent, dropParentForeignKey);
