/** State Plan: reads the catalog, refuses or opens the migration. */
import { PlanEvent } from '../core/contracts/steps/events.ts';
import { plan } from '../core/steps/forward/plan.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('plan', PlanEvent, plan);
