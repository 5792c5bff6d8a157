import { type Command, Option } from 'commander';
import { redact } from '../../core/contracts/redact.ts';
import type { Audit } from '../../core/drift/drift.ts';
import { ExitCode } from '../exit-codes.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import { inputOption } from '../input-options.ts';
import {
  addDatabaseOptions,
  addOutputOptions,
  addReaderOption,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type OutputFlags,
  type TableFlags,
} from '../options.ts';
import { lockTimeout } from './provision.ts';

type AuditFlags = Partial<TableFlags> &
  DatabaseFlags &
  OutputFlags & {
    readonly fix?: boolean;
    readonly run?: boolean;
    readonly yes?: boolean;
    readonly relink?: boolean;
    readonly lockTimeoutMs?: number;
    readonly accept?: readonly string[];
  };

export function registerAudit(program: Command, finish: Finish): void {
  const command = program
    .command('audit')
    .description('drift on migrated tables: partitions without a working foreign key or index')
    .option('-t, --table <table>', 'one table, as SQL writes it (default: every migrated one)')
    .option(
      '-c, --constraint <name>',
      'the former parent-level foreign key, where the table had several; its name, where the ledger is lost',
    )
    .option('--fix', 'print the SQL that repairs what was found, as a script')
    .option('--run', 'with --fix: repair it, online')
    .addOption(new Option('-y, --yes', 'the same as --run'))
    .option(
      '--relink',
      'link the ledger to this database, once after a restore, a copy, pg_upgrade, or for a new endpoint; compares it first',
    )
    .option(
      '--accept <id>',
      'with --fix --run: make an entry of the ledger from the catalog; ledger-missing, ledger-outdated or all; repeatable',
      repeated,
    )
    .addOption(
      inputOption(
        'lockTimeoutMs',
        'with --fix --run: how long others may wait because of a repair (default: {default})',
      ),
    );
  addReaderOption(addDatabaseOptions(command));
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `Reads the catalog and the ledger; counts no rows (p2pfk verify does). Without --fix it changes nothing. With --fix
--run indexes are built CONCURRENTLY, foreign keys are added NOT VALID and then validated, and no session waits for a
repair longer than --lock-timeout-ms; what could not be repaired is told, and audited again at the end.`,
        examples: [
          ['p2pfk audit', 'every migrated table of the database; for a nightly job'],
          ['p2pfk audit --table path --json', 'for scripts: { passed, tables: [{ findings: [...] }] }'],
          ['p2pfk audit --fix > repair.sql', 'the repair, for a DBA to read and run'],
          ['p2pfk audit --fix --run', 'repair it'],
          ['p2pfk audit --relink', 'this database was restored or copied: link the ledger to it, then audit'],
          [
            'p2pfk audit -t path --fix --run --accept ledger-missing',
            'the ledger is lost: make an entry from the catalog',
          ],
        ],
        exitCodes: [
          [0, 'no drift; with --fix --run: none is left'],
          2,
          [3, 'drift was found; with --fix --run: some is left'],
          [4, 'refused: no table is migrated; or the ledger belongs to another database, or cannot be trusted'],
        ],
      }),
    )
    .action(async (flags: AuditFlags) => finish(await audit(flags)));
}

async function audit(flags: AuditFlags): Promise<number> {
  applyVerbose(flags);
  const { InvalidInput } = await import('../../core/contracts/errors.ts');
  const run = flags.run === true || flags.yes === true;
  if (run && flags.fix !== true) throw new InvalidInput('--run has no meaning without --fix');
  if (flags.constraint !== undefined && flags.table === undefined)
    throw new InvalidInput('--constraint has no meaning without --table');
  await refuseUnknown(flags.accept ?? [], run);
  const lockTimeoutMs = await lockTimeout(flags);
  const { connect, connectReadOnly } = await import('../../core/ledger/connect.ts');
  const databaseUrl = databaseUrlOf(flags);
  if (run || flags.relink === true) {
    const { confirmDatabase } = await import('../relink.ts');
    const { createOutput } = await import('../output.ts');
    const terminal = { input: process.stdin, output: createOutput(flags) };
    await confirmDatabase(terminal, { databaseUrl, relink: flags.relink === true });
  }
  const session = { databaseUrl, applicationName: 'p2pfk audit' };
  const client = await (run ? connect(session) : connectReadOnly(session));
  try {
    const document = run ? await repair(client, flags, lockTimeoutMs) : await look(client, flags);
    const failed = document.repairs?.some((outcome) => outcome.status === 'FAILED') ?? false;
    return document.passed && !failed ? ExitCode.Done : ExitCode.CheckFailed;
  } finally {
    await client.end();
  }
}

function repeated(id: string, before: readonly string[] = []): string[] {
  return [...before, id];
}

async function refuseUnknown(accept: readonly string[], run: boolean): Promise<void> {
  const { InvalidInput } = await import('../../core/contracts/errors.ts');
  const { AUDIT_ACCEPTANCE } = await import('../../core/drift/lost-ledger.ts');
  if (accept.length > 0 && !run) throw new InvalidInput('--accept has no meaning without --fix --run');
  const unknown = accept.find((id) => id !== 'all' && !AUDIT_ACCEPTANCE.includes(id));
  if (unknown !== undefined)
    throw new InvalidInput(`--accept ${redact(unknown)}: must be ${AUDIT_ACCEPTANCE.join(', ')} or all`);
}

type Client = Awaited<ReturnType<typeof import('../../core/ledger/connect.ts').connect>>;

async function look(client: Client, flags: AuditFlags): Promise<Audit> {
  const core = await import('../../core/drift/find-drift.ts');
  const { createOutput } = await import('../output.ts');
  const { auditLines } = await import('../render/audit-text.ts');
  const { repairScript } = await import('../../core/drift/repair-script.ts');
  const output = createOutput(flags);
  const { noteDatabase } = await import('../relink.ts');
  await noteDatabase(client, output);
  const audited = await core.audit(client, { table: flags.table, constraint: flags.constraint });
  const document = core.auditDocument(audited);
  if (flags.fix === true && flags.json !== true) output.sql(repairScript(audited, await lockTimeout(flags)));
  else for (const line of auditLines(audited, output.columns, { quiet: output.quiet })) output.line(line);
  output.document(document);
  return document;
}

async function repair(client: Client, flags: AuditFlags, lockTimeoutMs: number): Promise<Audit> {
  const { auditDocument } = await import('../../core/drift/find-drift.ts');
  const { auditAndRepair } = await import('../../core/drift/repair.ts');
  const { confirmOnStandby } = await import('../../core/ledger/standby-commit.ts');
  const { createOutput } = await import('../output.ts');
  const { auditLines, repairLine } = await import('../render/audit-text.ts');
  const output = createOutput(flags);
  const { outcomes, audited } = await auditAndRepair(client, {
    table: flags.table,
    constraint: flags.constraint,
    lockTimeoutMs,
    accept: flags.accept,
    onRepair: (_, drift, outcome) => {
      if (outcome && !output.quiet) output.line(repairLine(drift, outcome));
    },
  });
  if (outcomes.length > 0) await confirmOnStandby(client, { warn: (message) => output.complain(`! ${message}`) });
  if (outcomes.length > 0 && !output.quiet) output.line();
  for (const line of auditLines(audited, output.columns, { quiet: output.quiet, outcomes })) output.line(line);
  const document = { ...auditDocument(audited), repairs: outcomes };
  output.document(document);
  return document;
}
