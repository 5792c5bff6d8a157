/**
 * Sessions of the handlers. On the local engine DATABASE_URL decides which database they reach. In AWS the construct sets libpq's
 * variables and DATABASE_AUTHENTICATION, and TLS is verified against PGSSLROOTCERT and nothing else.
 */
import { readFileSync } from 'node:fs';
import type { Client } from 'pg';
import { refuseProxy } from '../core/contracts/aws/rds-endpoints.ts';
import { ConnectionRefused, InvalidInput, type P2pfkError } from '../core/contracts/errors.ts';
import { echoed } from '../core/contracts/redact.ts';
import { type ConnectOptions, connect } from '../core/ledger/connect.ts';
import { resolveParameters } from '../core/postgres/libpq/parameters.ts';
import { passwordFromSecret, passwordFromToken } from './credentials.ts';

/** Where Lambda's Node runtimes keep Amazon's certificate authorities, which they do not load by themselves. */
const LAMBDA_CA_BUNDLE = '/var/runtime/ca-cert.pem';

/** SQLSTATEs of a refused password: invalid_authorization_specification and invalid_password. */
const WRONG_PASSWORD = new Set(['28000', '28P01']);

/** A secret that is being rotated is wrong for a moment, and RDS's check of tokens can be overloaded for a moment. */
const REFUSED_TRIES = 3;
const REFUSED_PAUSE_MS = 2_000;

/**
 * Opens a session in the handler's database.
 *
 * @param ledgerOwner of the execution's input; undefined: what the environment names
 * @throws InvalidInput where the environment leads to an RDS Proxy, or names no usable authentication
 * @throws ConnectionRefused, ConnectionLost as `connect` does
 */
export async function openSession(applicationName: string, ledgerOwner?: string): Promise<Client> {
  const databaseUrl = process.env.DATABASE_URL;
  for (const { host } of resolveParameters(databaseUrl).hosts) refuseProxy(host);
  if (databaseUrl) return connect({ databaseUrl, applicationName, ledgerOwner });
  const managed = managedPassword();
  if (managed === undefined) return connect({ applicationName, ledgerOwner });
  return connectPatiently({
    applicationName,
    ledgerOwner,
    password: managed,
    certificateAuthority: certificateAuthority(),
  });
}

/**
 * A function that is called for each session: a token is valid for 15 minutes, and a rotated secret must not break a migration
 * that takes hours. Undefined where the environment has no DATABASE_AUTHENTICATION.
 */
function managedPassword(): ConnectOptions['password'] {
  const { DATABASE_AUTHENTICATION: way, DATABASE_SECRET_ARN: secretArn } = process.env;
  if (way === undefined) return undefined;
  if (way === 'iam') return passwordFromToken;
  if (way === 'secret' && secretArn) return () => passwordFromSecret(secretArn);
  throw new InvalidInput(
    `DATABASE_AUTHENTICATION is ${echoed(way)}; expected "iam", or "secret" with DATABASE_SECRET_ARN`,
  );
}

/** Read once in a function's life: the file does not change while a function runs. */
let authorities: string | undefined;
function certificateAuthority(): string {
  const file = process.env.PGSSLROOTCERT || LAMBDA_CA_BUNDLE;
  try {
    authorities ??= readFileSync(file, 'utf8');
    return authorities;
  } catch (error) {
    throw new InvalidInput(`the certificate authorities in ${file} cannot be read`, {}, { cause: error });
  }
}

/** @returns whether the database refused an IAM token: `PAM authentication failed`, SQLSTATE 28000 */
export function isTokenRefusal({ name, context }: P2pfkError): boolean {
  return (
    process.env.DATABASE_AUTHENTICATION === 'iam' &&
    name === 'ConnectionRefused' &&
    WRONG_PASSWORD.has(context.sqlState ?? '')
  );
}

/** The usual reason why a token is refused that worked the day before: another database answers at the endpoint. */
function tokenRefused(error: P2pfkError): ConnectionRefused {
  return new ConnectionRefused(
    `${error.message}: the IAM token was refused. After a restore, a clone or a Blue/Green switchover another database answers here, whose resource id is not in the policy: add it to resourceIds of the stack. Otherwise IAM authentication is off, or the role lacks rds_iam (sql/aws-role.sql)`,
    error.context,
    { cause: error },
  );
}

/** Connects, and tries a refused password again. */
async function connectPatiently(options: ConnectOptions): Promise<Client> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect(options);
    } catch (error) {
      const wrong = error instanceof ConnectionRefused && WRONG_PASSWORD.has(error.context.sqlState ?? '');
      if (!wrong) throw error;
      if (attempt === REFUSED_TRIES) throw isTokenRefusal(error) ? tokenRefused(error) : error;
      await new Promise((resolve) => setTimeout(resolve, REFUSED_PAUSE_MS));
    }
  }
}
