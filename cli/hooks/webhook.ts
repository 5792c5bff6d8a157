/**
 * Delivery to a webhook: one signed POST for each document (https://www.standardwebhooks.com), tried again where that may help. It is never
 * waited for while a migration runs, follows no redirect, and no text of it contains the URL, which may have a token in it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { version } from '../version.ts';
import { isReadableOnTheWay } from './clear-text.ts';
import type { Delivery } from './deliveries.ts';

/** Milliseconds for one try, from the connection to the status. */
const TRY_MS = 10_000;
/** Milliseconds before the second try and those after it. */
const WAITS_MS = [1_000, 5_000, 30_000, 120_000];
/** Milliseconds between two tries when the process is about to end. */
const HURRIED_WAIT_MS = 200;
/** Of other answers the next one would be no different. */
const WORTH_A_RETRY = new Set([408, 425, 429]);

const SECRET_VARIABLE = 'P2PFK_NOTIFY_SECRET';
const HOW_TO_MAKE_ONE = `export ${SECRET_VARIABLE}="whsec_$(openssl rand -base64 32)"`;
/** Standard Webhooks: between 24 and 64 bytes. */
const SECRET_BYTES = { least: 24, most: 64 };

/**
 * @throws InvalidInput, without the URL in its message, where it is not https, nor http on a loopback address
 */
export function webhookUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null) throw new InvalidInput('--notify-url must be a URL, such as https://hooks.example.com/p2pfk');
  if (url.username !== '' || url.password !== '')
    throw new InvalidInput('--notify-url may have no user and no password: the receiver checks the signature instead');
  if (!isReadableOnTheWay(url)) return url;
  throw new InvalidInput(
    '--notify-url must begin with https://, because the document names tables and servers; http:// is for a receiver on this machine, such as 127.0.0.1',
  );
}

/** @throws InvalidInput with a command that makes one, where there is none, or it is not one of Standard Webhooks */
export function webhookSecret(env: NodeJS.ProcessEnv = process.env): string {
  const secret = env[SECRET_VARIABLE] ?? '';
  if (secret === '')
    throw new InvalidInput(
      `--notify-url needs a key in ${SECRET_VARIABLE}, with which the documents are signed; make one, and give it to the receiver: ${HOW_TO_MAKE_ONE}`,
    );
  const encoded = secret.replace(/^whsec_/, '');
  const bytes = Buffer.from(encoded, 'base64');
  const isBase64 = bytes.toString('base64') === encoded;
  if (isBase64 && bytes.length >= SECRET_BYTES.least && bytes.length <= SECRET_BYTES.most) return secret;
  throw new InvalidInput(
    `${SECRET_VARIABLE} must be whsec_ and ${SECRET_BYTES.least} to ${SECRET_BYTES.most} random bytes as Base64; make one, and give it to the receiver: ${HOW_TO_MAKE_ONE}`,
  );
}

export interface WebhookOptions {
  readonly url: URL;
  readonly secret: string;
  /** In place of those above, in milliseconds. */
  readonly tryMs?: number;
  readonly waitsMs?: readonly number[];
}

/** @returns delivers one document; rejects with a message without the URL where no try has succeeded */
export function webhook({ url, secret, tryMs = TRY_MS, waitsMs = WAITS_MS }: WebhookOptions): Delivery {
  const signer = new Webhook(secret);
  return async ({ body }, { hurry, signal }) => {
    const id = `msg_${randomUUID()}`;
    for (let tries = 1; ; tries += 1) {
      const problem = await post({
        url,
        signer,
        id,
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(tryMs)]),
      });
      if (problem === null) return;
      const waitMs = waitsMs[tries - 1];
      if (!problem.mayPass || waitMs === undefined || signal.aborted)
        throw new Error(tries === 1 ? problem.what : `${problem.what}, the last of ${tries} tries`);
      // Up to a quarter more, so that several processes do not come at the same moment.
      await delay(waitMs * (1 + Math.random() / 4), undefined, { signal: hurry }).catch(() => undefined);
      if (hurry.aborted) await delay(Math.min(waitMs, HURRIED_WAIT_MS), undefined, { signal }).catch(() => undefined);
    }
  };
}

interface Post {
  readonly url: URL;
  readonly signer: Webhook;
  readonly id: string;
  readonly body: string;
  readonly signal: AbortSignal;
}

interface Problem {
  readonly what: string;
  readonly mayPass: boolean;
}

async function post({ url, signer, id, body, signal }: Post): Promise<Problem | null> {
  // Of this try: a receiver refuses what is older than five minutes.
  const at = new Date();
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': `p2pfk/${version}`,
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        'webhook-signature': signer.sign(id, at, body),
      },
      body,
      // Another address could be anywhere: what was signed for one receiver is sent to no other.
      redirect: 'manual',
      signal,
    });
    // The status says it all.
    await response.body?.cancel();
    return problemOf(response.status);
  } catch (error) {
    return { what: reasonOf(error, signal), mayPass: true };
  }
}

function problemOf(status: number): Problem | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400)
    return { what: `it answered ${status}, and redirects are not followed`, mayPass: false };
  return { what: `it answered ${status}`, mayPass: status >= 500 || WORTH_A_RETRY.has(status) };
}

/** Only codes: a message could quote the URL. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'it did not answer in time';
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return `it could not be reached${typeof code === 'string' ? ` (${code})` : ''}`;
}
