/** Who is signed in to AWS: GetCallerIdentity of the Security Token Service, which needs no permission. */
import type { SFNClient } from '@aws-sdk/client-sfn';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '../../local/step-functions/signature.ts';

/** A client of the SDK that is signed in there: of Step Functions, or of EventBridge Scheduler. */
type AwsClient = { readonly config: Pick<SFNClient['config'], 'endpoint' | 'region' | 'credentials'> };

/** A name is not worth a longer wait. */
const LONGEST_MS = 3_000;
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

/** @returns the ARN, or null where it cannot be found out: no network, no credentials, an endpoint that is not AWS */
export async function callerIdentity(client: AwsClient, send: typeof fetch = fetch): Promise<string | null> {
  // An emulator, or p2pfk serve, knows its own keys alone.
  if (client.config.endpoint !== undefined || process.env.AWS_ENDPOINT_URL) return null;
  const signal = AbortSignal.timeout(LONGEST_MS);
  try {
    return await Promise.race([askIdentity(client, send, signal), untilAborted(signal)]);
  } catch {
    return null;
  }
}

async function askIdentity(client: AwsClient, send: typeof fetch, signal: AbortSignal): Promise<string | null> {
  const region = await client.config.region();
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const hostname = `sts.${region}.${suffix}`;
  const credentials = await client.config.credentials();
  const signer = new SignatureV4({ credentials, region, service: 'sts', sha256: Sha256 });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: 'https:',
    hostname,
    path: '/',
    query: {},
    headers: { host: hostname, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: BODY,
  });
  const { host: _host, ...sent } = headers;
  const answer = await send(`https://${hostname}/`, { method: 'POST', headers: sent, body: BODY, signal });
  return answer.ok ? (/<Arn>(arn:[^<]{1,190})<\/Arn>/.exec(await answer.text())?.[1] ?? null) : null;
}

function untilAborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
}
