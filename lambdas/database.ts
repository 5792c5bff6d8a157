/** Where a handler's database is: DATABASE_URL, else libpq's variables, with the password from Secrets Manager in AWS. */
import type { Client } from 'pg';
import { connect } from '../core/connection.ts';
import { ConnectionLost } from '../core/errors.ts';

export function openSession(applicationName: string): Promise<Client> {
  const secretArn = process.env.DATABASE_SECRET_ARN;
  return connect({
    databaseUrl: process.env.DATABASE_URL,
    applicationName,
    ...(secretArn ? { password: () => passwordFrom(secretArn) } : {}),
  });
}

/**
 * The value under the key `password`, as the secrets that RDS manages have it. Asked for each session: a rotation must
 * not break a migration of hours. The SDK is the one that the Lambda runtime carries, so it is loaded only there.
 */
async function passwordFrom(secretArn: string): Promise<string> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({});
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
    const secret: unknown = JSON.parse(SecretString ?? '{}');
    if (typeof secret === 'object' && secret !== null && 'password' in secret) return String(secret.password);
  } catch (error) {
    // The text of a JSON error quotes what it could not parse, which is the secret: only its kind is told.
    const kind = error instanceof Error ? error.name : 'unknown error';
    throw new ConnectionLost(`the database's secret ${secretArn} cannot be read (${kind})`);
  }
  throw new ConnectionLost(`the database's secret ${secretArn} has no key "password"`);
}
