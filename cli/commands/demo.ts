import { type Command, Option } from 'commander';
import type { DemoFlags } from '../demo/run.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import { addOutputOptions, addReportOption } from '../options.ts';
import { wholeNumber } from '../units.ts';

export function registerDemo(program: Command, finish: Finish): void {
  const command = program
    .command('demo')
    .description('see it work: an embedded PostgreSQL, seeded, the whole migration, then the proof')
    .option('--rows <n>', 'rows of path in all, from 17 on (default: 400000)', wholeNumber)
    .addOption(
      new Option('--fail <how>', 'damage the database on the way, and see the rollback branch at work').choices([
        'orphans',
        'gate',
        'drop',
        'verify',
      ]),
    )
    .addOption(
      new Option('--database', 'only start and seed the database, and print its URL; the migration is yours').conflicts(
        ['fail', 'report', 'json'],
      ),
    );
  addReportOption(addOutputOptions(command))
    .addHelpText(
      'after',
      helpText({
        about: `The case it all comes from: inode and path, 17 pairs of very unequal size, no index on path's foreign key columns.
Measures a DELETE, TRUNCATE CASCADE and DETACH/ATTACH before and after, in transactions that are rolled back.
The server lives in a temporary directory; both are gone afterwards, also after Ctrl-C.

With --fail the migration must fail and be rolled back, so the exit code is 1:
  orphans   orphaned rows are there before: validation finds them
  gate      orphaned rows enter after validation: the preflight check counts them
  drop      a partition-level foreign key vanishes before the drop: the drop's own transaction sees it
  verify    one vanishes after the drop: the parent-level foreign key comes back, online`,
        examples: [
          ['p2pfk demo', 'the whole story in about a minute'],
          ['p2pfk demo --rows 2000000', 'with more rows'],
          ['p2pfk demo --report demo.html', 'and its report, complete in one file'],
          ['p2pfk demo --database', 'a database to try every command on; Ctrl-C removes it'],
          ['p2pfk demo --fail verify', 'the way back, after the parent-level foreign key was dropped'],
        ],
        environment: `Environment:
  TMPDIR                    where the server's directory is made
  NO_COLOR                  no colours, as --no-color
  P2PFK_DEBUG=1             stack traces with errors
  P2PFK_LOG=stderr          the steps' JSON log lines on stderr, as --verbose`,
        exitCodes: [
          [0, 'migrated; with --database: ended by Ctrl-C'],
          [1, 'failed and rolled back, as --fail asks for'],
          [2, 'bad usage, or no embedded PostgreSQL for this machine'],
          [3, 'the damage of --fail went unnoticed, or the parent-level foreign key is not as it was'],
          5,
          130,
        ],
      }),
    )
    .action(async (flags: DemoFlags) => finish(await (await import('../demo/run.ts')).demo(flags)));
}
