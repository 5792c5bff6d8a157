/**
 * The hash of a saved plan, by which people know it: of the hash of the catalog and options that it was made for, of time and maker, and
 * of all the rest. Who has these four can prove that the document with that hash names them, without the document.
 */
import { createHash } from 'node:crypto';
import { InvalidInput } from '../contracts/errors.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';

/** What a plan is proven by; each a text in the document of a plan that is whole. */
export interface PlanParts {
  readonly catalogHash: unknown;
  readonly madeAt: unknown;
  readonly madeBy: unknown;
  /** Of the document without these, and without its own hash. */
  readonly restHash: unknown;
}

/** `sha256:` and 64 digits. */
export function planDocumentHash({ catalogHash, madeAt, madeBy, restHash }: PlanParts): string {
  return sha256(JSON.stringify(['p2pfk-plan', catalogHash, madeAt, madeBy, restHash]));
}

export function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/**
 * In the plan step: who starts an execution states which document it carries out, and report and ledger show that hash.
 *
 * @throws InvalidInput where the document with that hash does not name the catalog hash, time and maker of the input
 */
export function refuseUnprovenPlan(input: ExecutionInput): void {
  const { planHash: catalogHash, planDocumentHash: hash, planMadeAt: madeAt, planMadeBy: madeBy } = input;
  if (hash === undefined) return;
  if (planDocumentHash({ catalogHash, madeAt, madeBy, restHash: input.planRestHash }) === hash) return;
  throw new InvalidInput(
    'the execution input is not valid: planDocumentHash is not the hash of a plan with this planHash, planMadeAt, planMadeBy and planRestHash; start it with p2pfk start --plan FILE, or leave all of them out',
  );
}
