/** The commander program: commands, and one place that turns what was thrown into a message and an exit code. */

import { Command, CommanderError } from 'commander';
import { holdsCredentials } from '../core/contracts/credentials.ts';
import { redact } from '../core/contracts/redact.ts';
import { registerApprove } from './commands/approve.ts';
import { registerAudit } from './commands/audit.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerHistory } from './commands/history.ts';
import { registerHold } from './commands/hold.ts';
import { registerList } from './commands/list.ts';
import { registerMigrate } from './commands/migrate.ts';
import { registerPlan } from './commands/plan.ts';
import { registerProvision } from './commands/provision.ts';
import { registerReport } from './commands/report.ts';
import { registerResume } from './commands/resume.ts';
import { registerRollback } from './commands/rollback.ts';
import { registerScan } from './commands/scan.ts';
import { registerSchedule } from './commands/schedule.ts';
import { registerServe } from './commands/serve.ts';
import { registerStart } from './commands/start.ts';
import { registerStatus } from './commands/status.ts';
import { registerStop } from './commands/stop.ts';
import { registerThrottle } from './commands/throttle.ts';
import { registerVerify } from './commands/verify.ts';
import { registerWatch } from './commands/watch.ts';
import { ExitCode, exitCodeOfError } from './exit-codes.ts';
import { describeFailure } from './failures.ts';
import type { Finish } from './finish.ts';
import { ENVIRONMENT_HELP } from './help.ts';
import { complain, documentsPrinted } from './output.ts';
import { refuseTypedCredentials } from './typed.ts';
import { version } from './version.ts';

export function createProgram(finish: Finish): Command {
  const program = new Command('p2pfk')
    .description(
      'Turns one parent-level foreign key between two partitioned PostgreSQL tables into partition-to-partition ' +
        'foreign keys, online, and back again if anything fails.',
    )
    .version(version)
    .configureHelp({ showGlobalOptions: false })
    // Errors are printed by run(), once and in our own style.
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true)
    .exitOverride()
    .hook('preAction', async (_, acting) => {
      refuseTypedCredentials(acting);
      if (acting.opts().profile === undefined) return;
      const { applyProfile } = await import('./config/apply.ts');
      await applyProfile(program, acting, process.cwd());
    });

  registerDemo(program, finish);
  registerScan(program, finish);
  registerPlan(program, finish);
  registerMigrate(program, finish);
  registerApprove(program, finish);
  registerVerify(program, finish);
  registerList(program, finish);
  registerStatus(program, finish);
  registerRollback(program, finish);
  registerProvision(program, finish);
  registerAudit(program, finish);
  registerStart(program, finish);
  registerSchedule(program, finish);
  registerWatch(program, finish);
  registerThrottle(program, finish);
  registerHold(program, finish);
  registerResume(program, finish);
  registerStop(program, finish);
  registerHistory(program, finish);
  registerReport(program, finish);
  registerServe(program, finish);
  registerDoctor(program, finish);
  registerCompletion(program, finish);

  program.addHelpText(
    'after',
    `
Examples:
  p2pfk demo                                  see it work on a database of its own, in a minute
  p2pfk scan                                  every foreign key of a database: what can be converted, and what is next
  p2pfk plan --table public.path              what would be done; reads only
  p2pfk migrate --table public.path           do it
  p2pfk approve --table public.path           let it go on, where it waits for a word before the drop
  p2pfk list                                  migrations and executions of this database
  p2pfk status --table public.path            how far it is, who works on it, what comes next
  p2pfk verify --table public.path            six checks, at any time
  p2pfk rollback --table public.path          back to the parent-level foreign key
  p2pfk provision --table path --bound ...    a new pair on a migrated table
  p2pfk audit                                 drift on migrated tables; --fix repairs it
  p2pfk doctor                                connection, rights, settings, ledger: is all as it should be?
  p2pfk hold --reason "load at noon"          begin no further pair, until p2pfk resume; throttle slows it down
  p2pfk watch                                 follow the newest execution; --execution ARN: here or in AWS

${ENVIRONMENT_HELP}

Exit codes:
  0  done, or nothing to do           4  refused by preflight, nothing changed
  1  failed and rolled back           5  rollback failed, a person is needed
  2  bad usage or input               6  paused: window closed or awaiting approval
  3  a check did not pass           130  interrupted by Ctrl-C

'p2pfk <command> --help' has the options and examples of each.`,
  );
  return program;
}

/** Runs one command line. Resolves to the process's exit code, and never throws. */
export async function run(argv: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.Done;
  let acting: Command | null = null;
  const before = documentsPrinted();
  const program = createProgram((code) => {
    exitCode = code;
  }).hook('preAction', (_, command) => {
    acting = command;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    const lines = error instanceof CommanderError ? usageFailure(error, program, argv) : await failure(error, acting);
    if (lines.length > 0) {
      complain(lines);
      const { printErrorDocument } = await import('./error-document.ts');
      const message = (lines[0] ?? '').replace(/^p2pfk: /, '');
      printErrorDocument({ error, message, command: commandOf(program, argv)?.name(), argv }, before);
    }
    return exitCodeOfError(error);
  }
}

async function failure(error: unknown, acting: Command | null): Promise<readonly string[]> {
  const { withTheseInstead } = await import('./repeat.ts');
  return [...describeFailure(error), ...withTheseInstead(error, acting).map((command) => `  ${command}`)];
}

function usageFailure(error: CommanderError, program: Command, argv: readonly string[]): readonly string[] {
  // Help and version are printed by then. Without a command, commander has printed the whole help.
  if (error.exitCode === 0 || error.code === 'commander.help') return [];
  const command = commandOf(program, argv);
  const where = command === undefined ? 'p2pfk --help' : `p2pfk ${command.name()} --help`;
  const what = redact(withoutValues(error, argv))
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
  return [`p2pfk: ${what}; see ${where}`];
}

function commandOf(program: Command, argv: readonly string[]): Command | undefined {
  const word = argv.find((candidate) => !candidate.startsWith('-'));
  return program.commands.find((candidate) => candidate.name() === word);
}

/**
 * Commander quotes arguments as they were typed: not those that hold a connection string or another URL, which may have a token in it, whole or
 * behind a `=`. What is behind the `=` of an option that does not exist may be anything.
 */
function withoutValues({ message, code }: CommanderError, argv: readonly string[]): string {
  const assigned = code === 'commander.unknownOption' ? argv.filter((argument) => /^-[^=]+=/.test(argument)) : [];
  const named = assigned.reduce(
    (shown, argument) => shown.replaceAll(argument, () => `${argument.slice(0, argument.indexOf('='))}=***`),
    message,
  );
  return argv
    .flatMap((argument) => [argument.slice(argument.indexOf('=') + 1), argument])
    .filter((text) => holdsCredentials(text) || text.includes('://'))
    .reduce((shown, argument) => shown.replaceAll(argument, '***'), named);
}
