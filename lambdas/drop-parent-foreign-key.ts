/** State DropParentForeignKey: the verified drop. */
import { MigrationEvent } from '../core/contracts.ts';
import { dropParentForeignKey } from '../core/steps/drop-parent-foreign-key.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('drop-parent-foreign-key', MigrationEvent, dropParentForeignKey);
