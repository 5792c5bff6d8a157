/**
 * Powertools' structured logger. In AWS it writes to the function's log group; on a laptop it is silent, because stdout
 * belongs to the command line, unless P2PFK_LOG=stderr asks for the same lines there.
 */
import { type LogFormatter, Logger } from '@aws-lambda-powertools/logger';
import type { ConstructorOptions } from '@aws-lambda-powertools/logger/types';
import { visibleJson } from '../core/contracts/safe-text.ts';
import type { StepLogger } from '../core/steps/context.ts';

/** What Powertools hands to its console, on stderr. */
class StderrLogger extends Logger {
  protected override createLogger(options?: ConstructorOptions): Logger {
    return new StderrLogger(options);
  }

  protected override printLog(_level: number, log: ReturnType<LogFormatter['formatAttributes']>): void {
    process.stderr.write(`${visibleJson(JSON.parse(JSON.stringify(log.getAttributes(), this.getJsonReplacer())))}\n`);
  }
}

const options = { serviceName: 'p2pfk' } as const;
const root = process.env.AWS_LAMBDA_FUNCTION_NAME
  ? new Logger(options)
  : new StderrLogger({ ...options, logLevel: process.env.P2PFK_LOG === 'stderr' ? 'INFO' : 'SILENT' });

/** A logger whose every line carries the given keys: function, migrationId, pair, execution. */
export function logger(functionName: string, keys: Readonly<Record<string, string | number | undefined>>): StepLogger {
  const child = root.createChild({ persistentKeys: { function: functionName, ...keys } });
  return {
    debug: (message, detail) => child.debug(message, detail ?? {}),
    info: (message, detail) => child.info(message, detail ?? {}),
    warn: (message, detail) => child.warn(message, detail ?? {}),
  };
}
