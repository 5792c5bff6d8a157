/** Which role an execution takes for the ledger's owner: what its input says at home, what was deployed in AWS. */
import * as z from 'zod';
import { InvalidInput } from '../core/contracts/errors.ts';
import { echoed } from '../core/contracts/redact.ts';
import { LEDGER_OWNER } from '../core/ledger/schema/state.ts';

/** Executions whose plan step ran in this process, with the owner that their input names. A local execution runs in one process. */
const owners = new Map<string, string>();

let othersMayStart = false;

/** From now on executions of this process may be started by other people than its operator, who has named the owner, or none. */
export function keepLedgerOwner(): void {
  othersMayStart = true;
}

/** The event of `plan`; all others have no input. */
const PlanInput = z.object({ input: z.object({ ledgerOwner: z.string() }) });

/**
 * In AWS and at `p2pfk serve` a caller who may start an execution must not choose whose functions the role of the operator runs.
 *
 * @throws InvalidInput where it is not the one that was deployed
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
