import type { Command } from 'commander';
import type { ServeFlags } from '../executions/serve.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import { addHookOptions } from '../hooks/options.ts';
import { addDatabaseOptions, addOutputOptions, addReaderOption, addStateOptions } from '../options.ts';
import { wholeNumber } from '../units.ts';

export function registerServe(program: Command, finish: Finish): void {
  const command = program
    .command('serve')
    .description('a local Step Functions endpoint for the AWS command line and SDKs, and its console page')
    .option('--port <n>', 'port on 127.0.0.1; 0 takes any that is free', wholeNumber, 8083)
    .option('--host <address>', 'the console page on that address as well, with the password in P2PFK_CONSOLE_PASSWORD')
    .option(
      '--allow-hold-back-query',
      'run the holdBackQuery of an execution input: SQL as the role of this database URL',
    )
    .option(
      '--metrics',
      '/metrics on 127.0.0.1 in the text format of Prometheus, with the token in P2PFK_METRICS_TOKEN, or a new one that is printed',
    );
  addOutputOptions(addHookOptions(addStateOptions(addReaderOption(addDatabaseOptions(command)))))
    .addHelpText(
      'after',
      helpText({
        about: `Speaks the Step Functions API for one state machine, and runs its executions in this process, on this database.
Listens on 127.0.0.1 only. Calls must be signed with the key pair that it prints when it starts, as the two environment
variables of the AWS command line; the pair is a new one each time. Ctrl-C stops what runs and leaves it to be resumed.

The console page lists executions, starts them (the plan is shown first), shows each one live, and stops, approves and
rolls back. Its address has a key after the #, which stays in that tab of the browser; without it access is denied.
--host adds an address for others: the page only, never the API, and with a password; it is plain HTTP, so an SSH tunnel
to this machine is the better way.`,
        examples: [
          ['p2pfk serve', 'on port 8083, until Ctrl-C; open the address of the console page that it prints'],
          [
            'export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...',
            'in another terminal: the two lines that it prints, as they are',
          ],
          [
            `aws stepfunctions start-execution --endpoint-url http://127.0.0.1:8083 --region local \\
    --state-machine-arn arn:aws:states:local:000000000000:stateMachine:p2pfk --input '{"table":"public.path"}'`,
            'start a migration through it',
          ],
          ['p2pfk serve --metrics', 'with metrics for Prometheus; docs/operations.md has a scrape configuration'],
          ['p2pfk watch --execution $ARN', 'follow it in another terminal'],
        ],
        exitCodes: [[0, 'stopped by Ctrl-C while nothing ran'], 2, [130, 'stopped by Ctrl-C while an execution ran']],
      }),
    )
    .action(async (flags: ServeFlags, acting: Command) =>
      finish(await (await import('../executions/serve.ts')).serve(flags, acting)),
    );
}
