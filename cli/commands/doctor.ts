import type { Command } from 'commander';
import type { DoctorFlags } from '../doctor/run.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import { addDatabaseOptions, addOutputOptions, addReaderOption, addStateOptions } from '../options.ts';

export function registerDoctor(program: Command, finish: Finish): void {
  const command = program
    .command('doctor')
    .description('check this machine, the connection, the rights of the role and the ledger; reads only')
    .option('-t, --table <table>', 'also what concerns one table, as SQL writes it')
    .option('-c, --constraint <name>', 'its parent-level foreign key, where it has several');
  addReaderOption(addStateOptions(addDatabaseOptions(command)));
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `One line for each check: Node, this installation, the directory of local executions; where the connection leads, with
TLS or without, poolers, the version of the server; what this role may do; settings and limits; standbys; the ledger.
With --table also whether the table can be migrated by this role. What is not as it should be has a line that says what
to do. A warning is something to know; only a problem makes the exit code 3. --quiet leaves out what is in order.`,
        examples: [
          ['p2pfk doctor', 'before the first plan, and in a report of a problem'],
          ['p2pfk doctor --table public.path', 'may this role migrate that table?'],
          ['p2pfk doctor --json', 'for scripts: { passed, checks: [{ id, status, message, remedy }] }'],
        ],
        exitCodes: [[0, 'no problem; there may be warnings'], 2, [3, 'a check has found a problem']],
      }),
    )
    .action(async (flags: DoctorFlags, acting: Command) =>
      finish(await (await import('../doctor/run.ts')).doctor(flags, acting)),
    );
}
