/** `p2pfk list`. */
import type { Command } from 'commander';
import { connectReadOnly } from '../../core/ledger/connect.ts';
import { type DatabaseIdentity, describeIdentity, readIdentity } from '../../core/ledger/schema/identity.ts';
import { checkLedger } from '../../core/ledger/schema/state.ts';
import { listMigrations } from '../../core/ledger/status.ts';
import { isKept } from '../../local/store/existing-store.ts';
import { ExitCode } from '../exit-codes.ts';
import {
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type EndpointFlags,
  type OutputFlags,
  type StateFlags,
} from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { noteDatabase } from '../relink.ts';
import { executionLines, type ListedMigration, migrationLines } from '../render/list-text.ts';
import { type Composer, composerFor } from '../repeat.ts';
import { type Next, nextSteps } from '../status/next.ts';
import { plural } from '../text.ts';
import { shortName } from './choose.ts';
import { type KnownExecution, newestFirst, openOwnStore, openSource, type Source, whereabouts } from './known.ts';

export type ListFlags = DatabaseFlags &
  StateFlags &
  EndpointFlags &
  OutputFlags & {
    readonly limit: number;
    readonly stateMachine?: string;
    /** False with `--no-ledger`. */
    readonly ledger: boolean;
  };

/** Those of other databases are passed over, but not for ever. */
const LOOKED_AT = 5;

/** @returns the exit code */
export async function list(flags: ListFlags, command: Command): Promise<number> {
  applyVerbose(flags);
  const output = createOutput(flags);
  const warn = (line: string): void => output.complain(`! ${line}`);
  const compose = composerFor(command);
  const asked = flags.ledger ? await askLedger(flags, compose, output) : NOT_ASKED;
  const found = await listExecutions(flags, asked.here, warn);
  const executions = found.executions.map((one) => ({ ...one, next: nextOf(one, compose) }));
  const { here, migrations } = asked;
  if (here !== null && !output.quiet) output.complain(`On ${describeIdentity(here)}`);
  if (flags.ledger) for (const line of migrationLines(migrations, asked.absent)) output.line(line);
  for (const line of executionLines(executions, here !== null)) output.line(line);
  if (found.elsewhere > 0 && !output.quiet)
    output.complain(
      `${plural(found.elsewhere, 'execution')} of other databases ${found.elsewhere === 1 ? 'is' : 'are'} not listed: ${compose('list', ['--no-ledger'])}`,
    );
  output.document({ database: here, migrations, executions, notListed: found.elsewhere });
  return ExitCode.Done;
}

interface Asked {
  readonly here: DatabaseIdentity | null;
  readonly migrations: readonly ListedMigration[];
  /** One line where there is no list of migrations: why. */
  readonly absent: string | null;
}

const NOT_ASKED: Asked = { here: null, migrations: [], absent: null };

async function askLedger(flags: ListFlags, compose: Composer, output: Output): Promise<Asked> {
  const client = await connectReadOnly({ databaseUrl: databaseUrlOf(flags), applicationName: 'p2pfk list' });
  try {
    const here = await readIdentity(client);
    await noteDatabase(client, output);
    const found = await listMigrations(client, flags.limit);
    if (found === null) {
      const { has_tables: hasLedger, is_copy: isCopy } = await checkLedger(client);
      const absent = !hasLedger
        ? 'none: this database has no ledger of p2pfk'
        : isCopy
          ? 'not known: the ledger here is a copy of that of another database'
          : 'not known: this role may not read the ledger, schema p2pfk';
      return { here, migrations: [], absent };
    }
    const migrations = found.map((migration) => {
      const isHere = migration.owner?.place === 'local' ? isKept(flags.stateDir, migration.execution) : null;
      return { ...migration, next: nextSteps(migration, { compose, needsConstraint: true, isHere }) };
    });
    return { here, migrations, absent: migrations.length === 0 ? 'none' : null };
  } finally {
    await client.end();
  }
}

interface Found {
  readonly executions: readonly KnownExecution[];
  /** How many of other databases were passed over. */
  readonly elsewhere: number;
}

async function listExecutions(
  flags: ListFlags,
  here: DatabaseIdentity | null,
  warn: (line: string) => void,
): Promise<Found> {
  const own = await openOwnStore(flags, warn);
  const isElsewhere = flags.stateMachine !== undefined || flags.endpointUrl !== undefined;
  const remote = isElsewhere ? await openSource(flags, warn) : null;
  const sources = [own, remote].filter((source) => source !== null);
  try {
    const found = await Promise.all(sources.map((source) => ofDatabase(source, here, flags.limit)));
    const all = found.flatMap((one) => one.executions);
    // What p2pfk serve answers with at its endpoint may be in the store of this machine, too.
    const executions = [...new Map(all.toReversed().map((one) => [one.executionArn, one])).values()].sort(byStart);
    return {
      executions: executions.slice(0, flags.limit),
      elsewhere: found.reduce((sum, one) => sum + one.elsewhere, 0),
    };
  } finally {
    for (const source of sources) source.close();
  }
}

async function ofDatabase(source: Source, here: DatabaseIdentity | null, limit: number): Promise<Found> {
  const executions: KnownExecution[] = [];
  let elsewhere = 0;
  for await (const one of newestFirst(source, here === null ? limit : LOOKED_AT * limit)) {
    if (here !== null && whereabouts(one, here) === 'other') elsewhere += 1;
    else executions.push(one);
    if (executions.length === limit) break;
  }
  return { executions, elsewhere };
}

/** The newest first; those whose start is no time come last. */
function byStart(one: KnownExecution, other: KnownExecution): number {
  const [left, right] = [one.startedAt ?? '', other.startedAt ?? ''];
  return left < right ? 1 : left > right ? -1 : 0;
}

const DATABASE = ['--database-url', '--session-pooler', '--show-blocking-queries', '--ledger-owner', '--trust-owner'];

function nextOf(one: KnownExecution, compose: Composer): Next[] {
  const leftOut = one.place === 'local' ? ['--region', '--aws-profile', '--endpoint-url'] : ['--state-dir'];
  const execution = `--execution ${shortName(one)}`;
  return one.status === 'RUNNING'
    ? [{ why: 'it is at work; this follows it', command: compose('watch', [execution], [...DATABASE, ...leftOut]) }]
    : [
        {
          why: 'what it did',
          command: compose('report', [execution, '--format markdown'], leftOut),
        },
      ];
}
