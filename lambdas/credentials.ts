/** Passwords for the database in AWS: an IAM token, or a secret. The SDK's modules are loaded only where they are used. */
import { ConnectionLost, InvalidInput } from '../core/contracts/errors.ts';
import type { ServerAddress } from '../core/postgres/libpq/open.ts';

/**
 * An IAM token for one server and user: the database of libpq's variables, or a reader of it. It is signed here, without the
 * network; it is valid for 15 minutes, and only checked when a session begins.
 *
 * @throws InvalidInput where PGHOST, PGUSER or AWS_REGION is not set
 */
export async function passwordFromToken({ host: hostname, port, user: username }: ServerAddress): Promise<string> {
  const { AWS_REGION: region, PGHOST, PGUSER } = process.env;
  if (!PGHOST || !PGUSER || !region) throw new InvalidInput('an IAM token needs PGHOST, PGUSER and AWS_REGION');
  const { Signer } = await import('@aws-sdk/rds-signer');
  return new Signer({ hostname, username, region, port }).getAuthToken();
}

/**
 * The value of the key `password` of a secret, the form of the secrets that RDS manages. The SDK's client comes with the Lambda
 * runtime.
 *
 * @throws ConnectionLost where the secret cannot be read or has no such key
 */
export async function passwordFromSecret(secretArn: string): Promise<string> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({});
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
    const secret: unknown = JSON.parse(SecretString ?? '{}');
    if (typeof secret === 'object' && secret !== null && 'password' in secret) return String(secret.password);
  } catch (error) {
    // The text of a JSON error quotes what could not be parsed, which is the secret. So only the kind of error is reported.
    const kind = error instanceof Error ? error.name : 'unknown error';
    throw new ConnectionLost(`the database's secret ${secretArn} cannot be read (${kind})`);
  }
  throw new ConnectionLost(`the database's secret ${secretArn} has no key "password"`);
}
