/**
 * Structured logs, by Powertools. In AWS they are written to the function's log group. On the local engine the logger is silent,
 * because stdout belongs to the command line; P2PFK_LOG=stderr makes it write the same lines to stderr.
 */
import { type LogFormatter, Logger } from '@aws-lambda-powertools/logger';
import type { ConstructorOptions } from '@aws-lambda-powertools/logger/types';
import { visibleJson } from '../core/contracts/safe-text.ts';
import type { StepLogger } from '../core/steps/context.ts';

/** Writes to stderr what Powertools would write to its console. */
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

/** @returns a logger that adds the given keys to every line: function, migrationId, pair, execution */
export function logger(functionName: string, keys: Readonly<Record<string, string | number | undefined>>): StepLogger {
  const child = root.createChild({ persistentKeys: { function: functionName, ...keys } });
  return {
    debug: (message, detail) => child.debug(message, detail ?? {}),
    info: (message, detail) => child.info(message, detail ?? {}),
    warn: (message, detail) => child.warn(message, detail ?? {}),
  };
}
