/** State Plan: reads the catalog, refuses or opens the migration. */
import { PlanEvent } from '../core/contracts/step-events.ts';
import { plan } from '../core/steps/forward/plan-step.ts';
import { stepHandler } from './handler.ts';

export const handler = stepHandler('plan', PlanEvent, plan);
