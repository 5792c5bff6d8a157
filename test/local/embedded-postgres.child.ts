/**
 * A process that starts an embedded server, tells where it is, and then ends in the way that its argument names.
 * Run by embedded-postgres.test.ts.
 */
import { startEmbeddedPostgres } from '../../local/embedded/embedded-postgres.ts';

const [ending] = process.argv.slice(2);

if (ending === 'own-handlers') process.on('SIGINT', () => process.exit(6));
if (ending === 'exit-while-starting') setTimeout(() => process.exit(7), 150);

const { pid, directory, url, stop } = await startEmbeddedPostgres({ handleSignals: ending !== 'own-handlers' });
process.stdout.write(`${JSON.stringify({ pid, directory, url })}\n`);

switch (ending) {
  case 'stop':
    process.exitCode = 3;
    await stop();
    break;
  case 'forget':
    process.exitCode = 4;
    break;
  case 'exit':
    process.exit(5);
    break;
  case 'throw':
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
    break;
  default:
    setInterval(() => {}, 1000);
}
