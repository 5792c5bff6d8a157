/** Entry of the command line. Everything that can be tested without a process is in program.ts. */
import { ExitCode } from './exit-codes.ts';
import { run } from './program.ts';
import { outlivesItsOutput } from './stray-errors.ts';

// `p2pfk plan | head` closes our stdout early: that is the reader's right, not an error worth a stack trace. And neither it
// nor a terminal that is gone ends a migration.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (outlivesItsOutput()) return;
    if (error.code !== 'EPIPE') throw error;
    // As a shell tells of a process that SIGPIPE has ended: never 0, where the work was still to be done.
    process.exit(process.exitCode ?? ExitCode.BrokenPipe);
  });
}

const exitCode = await run(process.argv.slice(2));

// Set, not exit(): what was written to a pipe has to be read to its end first.
process.exitCode = exitCode;

// A step that was in flight when the execution ended is waited for by nobody; PostgreSQL sees its session close. After
// Ctrl-C at once, otherwise after a moment in which everything that ends by itself has ended.
const INTERRUPTED_FROM = 128;
if (exitCode > INTERRUPTED_FROM) process.stdout.write('', () => process.exit());
else setTimeout(() => process.exit(), 2_000).unref();
