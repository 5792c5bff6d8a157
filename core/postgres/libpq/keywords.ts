/** The connection parameters of libpq (PostgreSQL 18), the environment variable of each, and what p2pfk does with it. */
import { InvalidInput } from '../../contracts/errors.ts';

/** Diagnostics channel that hears of every session that is open and has its settings. Here, because this file loads nothing. */
export const SESSION_OPENED = 'p2pfk:session-opened';

/** Diagnostics channel of connection parameters that are valid, before anything connects: `p2pfk serve` may connect days later. */
export const PARAMETERS_READ = 'p2pfk:parameters-read';

/** Environment variable behind `--reader` and the construct's `readers`: connection strings, one a line, or URLs separated by blanks. */
export const READERS = 'P2PFK_READERS';

/** Keyword -> environment variable, or null where libpq reads none. */
export const KEYWORDS: Readonly<Record<string, string | null>> = {
  service: 'PGSERVICE',
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  passfile: 'PGPASSFILE',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  options: 'PGOPTIONS',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  load_balance_hosts: 'PGLOADBALANCEHOSTS',
  sslmode: 'PGSSLMODE',
  sslnegotiation: 'PGSSLNEGOTIATION',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslpassword: null,
  sslcertmode: 'PGSSLCERTMODE',
  sslcrl: 'PGSSLCRL',
  sslcrldir: 'PGSSLCRLDIR',
  sslsni: 'PGSSLSNI',
  sslcompression: 'PGSSLCOMPRESSION',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  min_protocol_version: 'PGMINPROTOCOLVERSION',
  max_protocol_version: 'PGMAXPROTOCOLVERSION',
  channel_binding: 'PGCHANNELBINDING',
  require_auth: 'PGREQUIREAUTH',
  requirepeer: 'PGREQUIREPEER',
  gssencmode: 'PGGSSENCMODE',
  krbsrvname: 'PGKRBSRVNAME',
  gsslib: 'PGGSSLIB',
  gssdelegation: 'PGGSSDELEGATION',
  keepalives: null,
  keepalives_idle: null,
  keepalives_interval: null,
  keepalives_count: null,
  tcp_user_timeout: null,
  // Ours, and not to be set by the connection string: how a DBA recognises our sessions, and the encoding of our queries.
  application_name: null,
  fallback_application_name: null,
  client_encoding: null,
  replication: null,
};

/**
 * None of libpq, and in no URI: whether the host of a keyword string was named by a file of the working directory, which a stranger may have
 * written. A password that is kept for every host is not for that one. To set it gives fewer passwords, never more.
 */
export const HOST_OF_FILE = 'p2pfk_host_of_file';

/** Parameters with a fixed set of values, in libpq's order. */
export const CHOICES: Readonly<Record<string, readonly string[]>> = {
  sslmode: ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'],
  sslnegotiation: ['postgres', 'direct'],
  sslcertmode: ['disable', 'allow', 'require'],
  channel_binding: ['disable', 'prefer', 'require'],
  gssencmode: ['disable', 'prefer', 'require'],
  load_balance_hosts: ['disable', 'random'],
  target_session_attrs: ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'],
  ssl_min_protocol_version: ['', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'],
  ssl_max_protocol_version: ['', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'],
};

const INTEGERS = ['connect_timeout', 'keepalives', 'keepalives_idle'];

/** What the driver cannot do. Each of them protects the connection, so to ignore one would be less than was asked for. */
const UNSUPPORTED: readonly (readonly [keyword: string, value: RegExp])[] = [
  ['gssencmode', /^require$/],
  ['requirepeer', /./],
  ['require_auth', /./],
  ['sslcertmode', /^require$/],
];

/** Keyword -> value; only what was set somewhere. */
export type ConnectionSettings = ReadonlyMap<string, string>;

/** @throws InvalidInput for a value that libpq would refuse, or that p2pfk cannot honour */
export function checkValues(settings: ConnectionSettings): void {
  for (const [keyword, choices] of Object.entries(CHOICES)) {
    const value = settings.get(keyword);
    if (value === undefined || choices.includes(value)) continue;
    throw new InvalidInput(
      `${keyword} is ${quoted(value)}; expected one of ${choices.filter(Boolean).join(', ')}${from(keyword)}`,
    );
  }
  for (const keyword of INTEGERS) {
    const value = settings.get(keyword);
    if (value === undefined || /^\s*[+-]?\d{1,9}\s*$/.test(value)) continue;
    throw new InvalidInput(`${keyword} is ${quoted(value)}; expected a whole number${from(keyword)}`);
  }
  for (const [keyword, refused] of UNSUPPORTED) {
    const value = settings.get(keyword);
    if (value === undefined || !refused.test(value)) continue;
    throw new InvalidInput(
      `${keyword}=${/^require$/.test(value) ? value : '...'} is not supported${from(keyword)}; remove it, or use the psql scripts`,
    );
  }
}

/** Only a plain word, which cannot be the end of a password that holds a "?" or a blank and was not encoded. */
function quoted(value: string): string {
  return /^[\w.+-]{0,40}$/.test(value) ? JSON.stringify(value) : 'not a plain word';
}

/** ` (also read from PGSSLMODE)`: the reader may have set nothing on the command line. */
function from(keyword: string): string {
  const variable = KEYWORDS[keyword];
  return variable && process.env[variable] ? ` (also read from ${variable})` : '';
}

/**
 * Environment variable behind `--trust-owner` and the construct's `trustedOwners`: roles, separated by commas, whose code may run with the
 * rights of these sessions (sql/catalog/untrusted-code.sql).
 */
export const TRUST_OWNERS = 'P2PFK_TRUST_OWNERS';

/** The roles that {@link TRUST_OWNERS} names, each once, in the order of their names. */
export function trustedOwners(): string[] {
  const names = (process.env[TRUST_OWNERS] ?? '').split(',').filter((name) => name !== '');
  return [...new Set(names)].sort();
}
