/** State AttachParent: the parent FK is back. */
import { MigrationEvent } from '../core/contracts/steps/events.ts';
import { attachParent } from '../core/steps/rollback/attach-parent.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('attach-parent', MigrationEvent, attachParent);
