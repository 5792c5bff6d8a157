/**
 * Before `migrate` and `rollback` begin: shows which database and table, the warnings and the forecast; on a terminal asks for the
 * acceptance of findings that need it, and whether to start. Without a terminal nothing is asked, and nothing waits.
 */
import type { Client } from 'pg';
import { forecastRollback, readServer } from '../core/catalog/server-facts.ts';
import { acceptFlags, exactAcceptance, notAccepted } from '../core/checks/preflight/acceptance.ts';
import type { PlanFinding } from '../core/contracts/documents.ts';
import { InvalidInput, P2pfkError, PreflightFailed } from '../core/contracts/errors.ts';
import type { ExecutionInput } from '../core/contracts/execution-input.ts';
import { connect, describeTarget } from '../core/ledger/connect.ts';
import { readMigration } from '../core/ledger/migrations.ts';
import { readPairs } from '../core/ledger/pairs.ts';
import { resolveForeignKey } from '../core/ledger/resolve-foreign-key.ts';
import { readPlan } from '../core/plan/read-plan.ts';
import type { Output } from './output.ts';
import { migrationPreview, type Preview, rollbackPreview } from './render/preview.ts';
import { isInteractive, type Terminal, withAnswers } from './terminal.ts';
import { oneLine } from './text.ts';

export interface StartOptions {
  readonly databaseUrl: string | undefined;
  /** `--yes`: the question whether to start is answered. It accepts no finding. */
  readonly yes: boolean;
}

/**
 * @returns the input to start with. What it accepts is what was shown: each finding with its message, so that one of the same kind
 *   that comes up after this is not accepted along with it. What it rolls back is the migration that was shown.
 * @throws PreflightFailed when the person at the terminal declines: nothing was changed
 * @throws InvalidInput where another table may have been meant
 */
export async function beforeStart(
  terminal: Terminal,
  asked: ExecutionInput,
  { databaseUrl, yes }: StartOptions,
): Promise<ExecutionInput> {
  const { input, output } = terminal;
  const onTerminal = isInteractive(terminal);
  const silent = output.quiet || output.json;
  if (asked.dryRun || (silent && !onTerminal)) return asked;
  const preview = await readPreview(databaseUrl, asked);
  // Refused, or nothing to do: the execution says it.
  if (preview === null) return asked;
  for (const line of preview.lines) output.line(line);
  const { open, needed, migrationId } = preview;
  if (onTerminal) {
    await withAnswers(input, output, async (confirmed) => {
      if (open.length > 0) await accept(output, open, confirmed);
      const operation = asked.operation === 'rollback' ? 'Roll it back' : 'Start the migration';
      if (!yes && !(await confirmed(`${operation}? [y/N] `)))
        throw new PreflightFailed('refused, nothing was changed: the start was not confirmed');
    });
  }
  if (open.length > 0 && !onTerminal) return asked;
  return { ...asked, accept: needed.map(exactAcceptance), ...(migrationId === undefined ? {} : { migrationId }) };
}

async function accept(
  output: Output,
  open: readonly PlanFinding[],
  confirmed: (question: string) => Promise<boolean>,
): Promise<void> {
  output.line(
    open.length === 1
      ? 'One finding needs acceptance. After the migration something that works today would fail or be lost:'
      : `${open.length} findings need acceptance. After the migration something that works today would fail or be lost:`,
  );
  for (const { id, message, remedy } of open) {
    output.line(`  ! ${id}: ${oneLine(message)}`);
    if (remedy !== '') output.line(`      → ${oneLine(remedy)}`);
    if (!(await confirmed(`  Accept ${id}? [y/N] `)))
      throw new PreflightFailed(`refused, nothing was changed: ${id} was not accepted`);
  }
  output.line(`Accepted. The same without a question: ${acceptFlags(open)}`);
}

interface Shown {
  readonly lines: readonly string[];
  /** Of a rollback: it rolls back this one, and no other that may be open by then. */
  readonly migrationId?: string;
  /** Findings that need acceptance: all that were shown, and those that have none yet. */
  readonly needed: readonly PlanFinding[];
  readonly open: readonly PlanFinding[];
}

async function readPreview(databaseUrl: string | undefined, input: ExecutionInput): Promise<Shown | null> {
  const { searchPath, ledgerOwner } = input;
  const client = await connect({ databaseUrl, applicationName: 'p2pfk plan', searchPath, ledgerOwner });
  const target = describeTarget(databaseUrl);
  try {
    return input.operation === 'rollback'
      ? await ofRollback(client, target, input)
      : await ofMigration(client, target, input);
  } catch (error) {
    // The execution could not say which commands to copy instead.
    if (error instanceof InvalidInput && error.choices.length > 0) throw error;
    if (error instanceof P2pfkError) return null;
    throw error;
  } finally {
    await client.end();
  }
}

async function ofMigration(client: Client, target: string, input: ExecutionInput): Promise<Shown | null> {
  const { document, foreignKey, acceptance, migrated, server } = await readPlan(client, input, 'migrate');
  const refused = document.findings.some(({ severity }) => severity === 'error');
  if (refused || migrated) return null;
  const subject: Preview = { target, server: server.version, role: server.role, people: input };
  // Once the parent FK is dropped there is nothing left to accept.
  const needed = foreignKey.constraint_oid === null ? [] : document.findings.filter((one) => one.needsAcceptance);
  const open = foreignKey.constraint_oid === null ? [] : acceptance.open;
  const accepted = needed.filter((finding) => !notAccepted([finding], input).includes(finding));
  return { lines: migrationPreview(subject, document, open), needed: [...accepted, ...open], open };
}

async function ofRollback(client: Client, target: string, input: ExecutionInput): Promise<Shown | null> {
  const foreignKey = await resolveForeignKey(client, input, 'rollback');
  if (foreignKey.migrationId === null) return null;
  const migration = await readMigration(client, foreignKey.migrationId);
  const pairs = await readPairs(client, migration.id);
  const server = await readServer(client);
  const rows = pairs.reduce((sum, pair) => sum + pair.rows, 0);
  const subject: Preview = { target, server: server.version, role: server.role, people: input };
  const forecast = forecastRollback(server, { ...migration.options, pairs: pairs.length, rows });
  const lines = rollbackPreview(subject, migration, { pairs: pairs.length, forecast });
  return { lines, migrationId: migration.id, needed: [], open: [] };
}
