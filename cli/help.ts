/** The parts of the help texts that several commands share. */
import { type ExitCode, MEANINGS } from './exit-codes.ts';

export const ENVIRONMENT_HELP = `Environment:
  DATABASE_URL                                the database, where --database-url is not given
  PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD  what the URL leaves out, as psql reads it; also PGSERVICE, PGPASSFILE (~/.pgpass),
                                              PGSSLMODE, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY, PGOPTIONS, PGCONNECT_TIMEOUT
  P2PFK_SESSION_POOLER=true                   as --session-pooler
  P2PFK_SHOW_BLOCKING_QUERIES=true            as --show-blocking-queries
  P2PFK_LEDGER_OWNER                          as --ledger-owner
  P2PFK_TRUST_OWNERS                          as --trust-owner, role names separated by commas
  P2PFK_READERS                               standbys that people read from, one URL a line, as --reader
  P2PFK_STATE_DIR                             where local executions are kept, as --state-dir
  P2PFK_NOTIFY_URL                            as --notify-url
  P2PFK_NOTIFY_SECRET                         the key that signs what is sent there: whsec_ and Base64
  P2PFK_METRICS_TOKEN                         the token that serve --metrics asks for
  OTEL_EXPORTER_OTLP_ENDPOINT                 the collector of --trace, such as http://127.0.0.1:4318
  NO_COLOR                                    no colours, as --no-color
  P2PFK_DEBUG=1                               stack traces with errors
  P2PFK_LOG=stderr                            the steps' JSON log lines on stderr, as --verbose`;

/** Of the commands that speak to Step Functions. */
export const AWS_ENVIRONMENT_HELP = `Environment:
  AWS_PROFILE  AWS_ACCESS_KEY_ID  AWS_SECRET_ACCESS_KEY  AWS_SESSION_TOKEN   credentials, as the AWS SDK finds them
  P2PFK_STATE_DIR                                                            where local executions are, as --state-dir
  NO_COLOR                                                                   no colours, as --no-color
  P2PFK_DEBUG=1                                                              stack traces with errors`;

export interface HelpParts {
  readonly about?: string;
  /** Command lines with what they are for. */
  readonly examples: readonly (readonly [command: string, purpose: string])[];
  readonly environment?: string;
  /** Codes that this command can end with; a text replaces the general meaning. */
  readonly exitCodes: readonly (ExitCode | readonly [code: ExitCode, meaning: string])[];
}

/** The text below the options of a command's `--help`. */
export function helpText(parts: HelpParts): string {
  const examples = parts.examples.flatMap(([command, purpose]) => [`  # ${purpose}`, `  ${command}`]);
  const codes = parts.exitCodes.map((entry) => {
    const [code, meaning] = typeof entry === 'number' ? [entry, MEANINGS[entry]] : entry;
    return `  ${String(code).padStart(3)}  ${meaning}`;
  });
  return [
    ...(parts.about === undefined ? [] : ['', parts.about]),
    '',
    'Examples:',
    ...examples,
    '',
    parts.environment ?? ENVIRONMENT_HELP,
    '',
    'Exit codes:',
    ...codes,
  ].join('\n');
}
