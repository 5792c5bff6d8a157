/** Asks on a terminal for the acceptance of findings that need it. Without a terminal nothing is asked, and nothing waits. */
import { createInterface } from 'node:readline/promises';
import { connect } from '../core/connection.ts';
import type { ExecutionInput, PlanFinding } from '../core/contracts.ts';
import { PreflightFailed } from '../core/errors.ts';
import { readPlan } from '../core/plan.ts';
import { acceptFlags } from '../core/preflight/acceptance.ts';
import type { Output } from './output.ts';
import { oneLine } from './text.ts';

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: Output;
}

/**
 * The ids that the person at the terminal accepts now, besides those that the input names. Empty where there is nothing to
 * accept or no terminal: the plan step then decides.
 *
 * @throws PreflightFailed when the person declines: nothing was changed
 */
export async function askAcceptance(
  { input, output }: Terminal,
  databaseUrl: string | undefined,
  asked: ExecutionInput,
): Promise<string[]> {
  const onTerminal = input.isTTY === true && output.stream.isTTY === true && !output.json;
  if (!onTerminal || asked.dryRun || asked.operation === 'rollback') return [];
  const open = await openFindings(databaseUrl, asked);
  if (open.length === 0) return [];
  output.line(
    open.length === 1
      ? 'One finding needs acceptance. After the migration something that works today would fail or be lost:'
      : `${open.length} findings need acceptance. After the migration something that works today would fail or be lost:`,
  );
  for (const { id, message, remedy } of open) {
    output.line(`  ! ${id}: ${oneLine(message)}`);
    if (remedy !== '') output.line(`      → ${oneLine(remedy)}`);
    if (!(await confirmed(input, output, `  Accept ${id}? [y/N] `)))
      throw new PreflightFailed(`refused, nothing was changed: ${id} was not accepted`);
  }
  output.line(`Accepted. The same without a question: ${acceptFlags(open)}`);
  return open.map(({ id }) => id);
}

/** What the plan step would refuse for want of acceptance, and nothing else. */
async function openFindings(databaseUrl: string | undefined, input: ExecutionInput): Promise<readonly PlanFinding[]> {
  const client = await connect({ databaseUrl, applicationName: 'p2pfk plan' });
  try {
    const { document, foreignKey, acceptance } = await readPlan(client, input, 'migrate');
    const refused = document.findings.some(({ severity }) => severity === 'error');
    return refused || foreignKey.constraint_oid === null ? [] : acceptance.open;
  } finally {
    await client.end();
  }
}

/** No answer, Ctrl-D and Ctrl-C all mean no. */
async function confirmed(input: NodeJS.ReadableStream, output: Output, question: string): Promise<boolean> {
  const lines = createInterface({ input, output: output.stream });
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  lines.on('SIGINT', () => lines.close());
  try {
    const answer = await Promise.race([lines.question(question), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
