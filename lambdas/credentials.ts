/** The two ways to a password in AWS. Both SDK parts are loaded only where they are used. */
import { ConnectionLost, InvalidInput } from '../core/contracts/errors.ts';
import type { ServerAddress } from '../core/postgres/libpq/open.ts';

/**
 * An IAM token for one server and user, the database of libpq's variables or a reader of it: signed here, without a network, valid
 * for 15 minutes, and looked at when the session begins only.
 */
export async function passwordFromToken({ host: hostname, port, user: username }: ServerAddress): Promise<string> {
  const { AWS_REGION: region, PGHOST, PGUSER } = process.env;
  if (!PGHOST || !PGUSER || !region) throw new InvalidInput('an IAM token needs PGHOST, PGUSER and AWS_REGION');
  const { Signer } = await import('@aws-sdk/rds-signer');
  return new Signer({ hostname, username, region, port }).getAuthToken();
}

/**
 * The value under the key `password`, as the secrets that RDS manages have it. The SDK's client is the one that the
 * Lambda runtime carries.
 */
export async function passwordFromSecret(secretArn: string): Promise<string> {
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
