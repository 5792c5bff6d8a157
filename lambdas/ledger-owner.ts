/**
 * The role that an execution takes as the ledger's owner: on the local engine as its input names it, in AWS as it was deployed.
 */
import * as z from 'zod';
import { InvalidInput } from '../core/contracts/errors.ts';
import { echoed } from '../core/contracts/redact.ts';
import { LEDGER_OWNER } from '../core/ledger/schema/state.ts';

/**
 * Owners that inputs named, by execution, for executions whose plan step ran in this process. A local execution runs in one
 * process.
 */
const owners = new Map<string, string>();

let othersMayStart = false;

/**
 * Refuses, from now on, inputs that name another owner: executions of this process may be started by other people than its
 * operator, who has chosen the owner, or none.
 */
export function keepLedgerOwner(): void {
  othersMayStart = true;
}

/** The event of `plan`; no other event has an input. */
const PlanInput = z.object({ input: z.object({ ledgerOwner: z.string() }) });

/**
 * The ledger's owner for one call; undefined: the environment's. In AWS and with `p2pfk serve`, a caller who may start an
 * execution must not choose whose functions run with the operator's role.
 *
 * @throws InvalidInput where the input names another owner than the one that was deployed
 */
export function ledgerOwnerOf(event: unknown, execution: string | undefined): string | undefined {
  const given = PlanInput.safeParse(event).data?.input.ledgerOwner;
  const deployed = process.env[LEDGER_OWNER];
  if (given !== undefined && given !== deployed && (deployed !== undefined || othersMayStart || isLambda()))
    throw new InvalidInput(
      `the execution input names ${echoed(given)} as the ledger's owner, and these functions were set up with ${deployed === undefined ? 'none' : echoed(deployed)}: set ledgerOwner of the stack's database (at home --ledger-owner of the command that runs it, such as p2pfk serve), or leave it out of the input`,
    );
  if (given !== undefined && execution !== undefined) owners.set(execution, given);
  return given ?? (execution === undefined ? undefined : owners.get(execution));
}

function isLambda(): boolean {
  return process.env.AWS_LAMBDA_FUNCTION_NAME !== undefined;
}
