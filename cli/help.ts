/** The parts of the help texts that several commands share. */

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
  NO_COLOR                                    no colours, as --no-color
  P2PFK_DEBUG=1                               stack traces with errors
  P2PFK_LOG=stderr                            the steps' JSON log lines on stderr, as --verbose`;

/** Of the commands that speak to Step Functions. */
export const AWS_ENVIRONMENT_HELP = `Environment:
  AWS_PROFILE  AWS_ACCESS_KEY_ID  AWS_SECRET_ACCESS_KEY  AWS_SESSION_TOKEN   credentials, as the AWS SDK finds them
  P2PFK_STATE_DIR                                                            where local executions are, as --state-dir
  NO_COLOR                                                                   no colours, as --no-color
  P2PFK_DEBUG=1                                                              stack traces with errors`;

const MEANINGS: Readonly<Record<number, string>> = {
  0: 'done, or nothing to do',
  1: 'failed, and everything was put back',
  2: 'bad usage or input, no connection, wrong password',
  3: 'a check did not pass',
  4: 'refused: preflight, a ledger that is not trusted or of another version, or another execution is at work; nothing was changed',
  5: 'the rollback itself failed; a person is needed',
  6: 'paused: window closed, rehearsal, approval, lock never free, an outage, partitions changed; or taken over by another execution',
  130: 'interrupted by Ctrl-C',
};

export interface HelpParts {
  readonly about?: string;
  /** Command lines with what they are for. */
  readonly examples: readonly (readonly [command: string, purpose: string])[];
  readonly environment?: string;
  /** Codes that this command can end with; a text replaces the general meaning. */
  readonly exitCodes: readonly (number | readonly [code: number, meaning: string])[];
}

/** The text below the options of a command's `--help`. */
export function helpText(parts: HelpParts): string {
  const examples = parts.examples.flatMap(([command, purpose]) => [`  # ${purpose}`, `  ${command}`]);
  const codes = parts.exitCodes.map((entry) => {
    const [code, meaning] = typeof entry === 'number' ? [entry, MEANINGS[entry] ?? ''] : entry;
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
