/** `p2pfk doctor`. */
import type { Command } from 'commander';
import type { Client } from 'pg';
import { type DoctorCheck, examine, ok, problem, warning } from '../../core/checks/doctor.ts';
import {
  InvalidInput,
  LedgerElsewhere,
  LedgerNotTrusted,
  LedgerVersionRefused,
  P2pfkError,
  SettingRefused,
} from '../../core/contracts/errors.ts';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { connectReadOnly, describeTarget } from '../../core/ledger/connect.ts';
import { readPlan } from '../../core/plan/read-plan.ts';
import { PoolerFound } from '../../core/postgres/session/pooler.ts';
import { ExitCode } from '../exit-codes.ts';
import { applyVerbose, type DatabaseFlags, databaseUrlOf, type OutputFlags, type StateFlags } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { withTheseInstead } from '../repeat.ts';
import { oneLine, plural } from '../text.ts';
import { examineMachine } from './machine.ts';

export type DoctorFlags = DatabaseFlags &
  StateFlags &
  OutputFlags & { readonly table?: string; readonly constraint?: string };

/** @returns the exit code */
export async function doctor(flags: DoctorFlags, command: Command): Promise<number> {
  applyVerbose(flags);
  if (flags.constraint !== undefined && flags.table === undefined)
    throw new InvalidInput('--constraint has no meaning without --table');
  const output = createOutput(flags);
  const databaseUrl = databaseUrlOf(flags);
  // What is wrong with the URL itself is bad input, as for every other command.
  describeTarget(databaseUrl);
  const checks = [...(await examineMachine(flags.stateDir)), ...(await examineDatabase(flags, databaseUrl, command))];
  show(checks, output);
  const passed = checks.every(({ status }) => status !== 'problem');
  output.document({ passed, checks });
  return passed ? ExitCode.Done : ExitCode.CheckFailed;
}

async function examineDatabase(
  flags: DoctorFlags,
  databaseUrl: string | undefined,
  command: Command,
): Promise<DoctorCheck[]> {
  let client: Client;
  try {
    client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk doctor' });
  } catch (error) {
    if (!(error instanceof P2pfkError)) throw error;
    return [notConnected(error)];
  }
  try {
    const found = await examine(client, databaseUrl);
    return flags.table === undefined ? found : [...found, ...(await examineTable(client, flags, command))];
  } finally {
    await client.end();
  }
}

const LOOK_AGAIN = '; then run p2pfk doctor again: what comes after this check was not looked at';

/** A session is opened only where pooler, settings and ledger are as they have to be: which of them was it? */
function notConnected(error: P2pfkError): DoctorCheck {
  const because = oneLine(error.message);
  if (error instanceof PoolerFound)
    return problem('pooler', because, `connect to the server itself, past the pooler${LOOK_AGAIN}`);
  if (error instanceof SettingRefused)
    return problem('settings', because, `take the setting back, or use another role${LOOK_AGAIN}`);
  if (error instanceof LedgerNotTrusted || error instanceof LedgerVersionRefused || error instanceof LedgerElsewhere)
    return problem('ledger', because, `see "The ledger" in docs/operations.md${LOOK_AGAIN}`);
  return problem('connection', because, `see "Connect" in docs/operations.md${LOOK_AGAIN}`);
}

async function examineTable(
  client: Client,
  { table = '', constraint }: DoctorFlags,
  command: Command,
): Promise<DoctorCheck[]> {
  const input = ExecutionInput.parse({ table, ...(constraint === undefined ? {} : { constraint }) });
  try {
    const { document, migrated, foreignKey } = await readPlan(client, input, 'migrate');
    const of = `${document.constraint || 'a foreign key'} on ${foreignKey.table}`;
    const pairs = plural(document.pairs.length, 'pair');
    const first = ok('table', `${of}, ${pairs}: ${migrated ? 'migrated already' : 'can be planned'}`);
    const findings = document.findings.filter(({ severity }) => severity !== 'info');
    return [
      first,
      ...findings.map(({ id, severity, message, remedy, needsAcceptance }) => {
        const make = severity === 'error' ? problem : warning;
        const accept = needsAcceptance && !migrated ? `, or accept it with --accept ${id}` : '';
        return make(`table: ${id}`, oneLine(message), `${oneLine(remedy)}${accept}`);
      }),
    ];
  } catch (error) {
    if (!(error instanceof P2pfkError)) throw error;
    const instead = withTheseInstead(error, command);
    return [problem('table', oneLine(error.message), instead.join('   or   '))];
  }
}

const MARKS = { ok: '✓', warning: '!', problem: '✗' } as const;

function show(checks: readonly DoctorCheck[], output: Output): void {
  const shown = output.quiet ? checks.filter(({ status }) => status !== 'ok') : checks;
  for (const { id, status, message, remedy } of shown) {
    output.line(`${MARKS[status]} ${id}: ${message}`);
    if (remedy !== '') output.line(`    → ${remedy}`);
  }
  const count = (status: DoctorCheck['status']): number => checks.filter((check) => check.status === status).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  if (!output.quiet) output.line();
  output.line(
    problems > 0
      ? `✗✗✗ ${plural(problems, 'problem')}, ${plural(warnings, 'warning')}`
      : warnings > 0
        ? `✓ No problem, ${plural(warnings, 'warning')}`
        : '✓ No problem',
  );
}
