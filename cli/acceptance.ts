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
  terminal: Terminal,
  databaseUrl: string | undefined,
  asked: ExecutionInput,
): Promise<string[]> {
  const { input, output } = terminal;
  if (!isInteractive(terminal) || asked.dryRun || asked.operation === 'rollback') return [];
  const open = await openFindings(databaseUrl, asked);
  if (open.length === 0) return [];
  output.line(
    open.length === 1
      ? 'One finding needs acceptance. After the migration something that works today would fail or be lost:'
      : `${open.length} findings need acceptance. After the migration something that works today would fail or be lost:`,
  );
  await withAnswers(input, output, async (confirmed) => {
    for (const { id, message, remedy } of open) {
      output.line(`  ! ${id}: ${oneLine(message)}`);
      if (remedy !== '') output.line(`      → ${oneLine(remedy)}`);
      if (!(await confirmed(`  Accept ${id}? [y/N] `)))
        throw new PreflightFailed(`refused, nothing was changed: ${id} was not accepted`);
    }
  });
  output.line(`Accepted. The same without a question: ${acceptFlags(open)}`);
  return open.map(({ id }) => id);
}

/** Whether a person can be asked. */
export function isInteractive({ input, output }: Terminal): boolean {
  return input.isTTY === true && output.stream.isTTY === true && !output.json;
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

/**
 * One reader for all questions: a reader for each would lose the lines that were typed before its question was printed.
 * No answer, Ctrl-D and Ctrl-C all mean no.
 */
export async function withAnswers(
  input: NodeJS.ReadableStream,
  output: Output,
  ask: (confirmed: (question: string) => Promise<boolean>) => Promise<void>,
): Promise<void> {
  const lines = createInterface({ input, output: output.stream });
  lines.on('SIGINT', () => lines.close());
  const answers = lines[Symbol.asyncIterator]();
  try {
    await ask(async (question) => {
      lines.setPrompt(question);
      lines.prompt();
      const { value, done } = await answers.next();
      return done !== true && /^y(es)?$/i.test(value.trim());
    });
  } finally {
    lines.close();
  }
}
