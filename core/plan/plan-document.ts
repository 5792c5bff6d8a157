/**
 * The hash of a saved plan, by which people identify it. It is made from the hash of the catalog and options that the plan was
 * made for, from its time and its maker, and from the hash of everything else. With these four, it can be proven that the
 * document with that hash contains them, without the document.
 */
import { createHash } from 'node:crypto';
import { InvalidInput } from '../contracts/errors.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';

/** Parts that prove a plan; each is a text in the document of a complete plan. */
export interface PlanParts {
  readonly catalogHash: unknown;
  readonly madeAt: unknown;
  readonly madeBy: unknown;
  /** Hash of the document without the other parts, and without its own hash. */
  readonly restHash: unknown;
}

/** @returns `sha256:` and 64 hexadecimal digits */
export function planDocumentHash({ catalogHash, madeAt, madeBy, restHash }: PlanParts): string {
  return sha256(JSON.stringify(['p2pfk-plan', catalogHash, madeAt, madeBy, restHash]));
}

/** @returns `sha256:` and 64 hexadecimal digits */
export function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/**
 * Check in the plan step: the caller who starts an execution states which document it carries out, and report and ledger show
 * that hash.
 *
 * @throws InvalidInput where the document with that hash does not contain the catalog hash, time and maker of the input
 */
export function refuseUnprovenPlan(input: ExecutionInput): void {
  const { planHash: catalogHash, planDocumentHash: hash, planMadeAt: madeAt, planMadeBy: madeBy } = input;
  if (hash === undefined) return;
  if (planDocumentHash({ catalogHash, madeAt, madeBy, restHash: input.planRestHash }) === hash) return;
  throw new InvalidInput(
    'the execution input is not valid: planDocumentHash is not the hash of a plan with this planHash, planMadeAt, planMadeBy and planRestHash; start it with p2pfk start --plan FILE, or leave all of them out',
  );
}
