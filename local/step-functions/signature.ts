/**
 * Who may call the API: whoever signs with the key pair of this server, as AWS's clients do (Signature Version 4). The
 * signature is made again by the signer of AWS's own SDK, from the secret and what was received, and compared.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
import { createHash, createHmac, type Hash, type Hmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';
import { ServiceFault } from './faults.ts';

export interface KeyPair {
  readonly accessKeyId: string;
  /** 256 random bits. */
  readonly secretAccessKey: string;
}

/** Anew for each server, and never kept: it is worth nothing as soon as the server has ended. */
export function createKeyPair(): KeyPair {
  return {
    accessKeyId: `P2PFK${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(32).toString('base64url'),
  };
}

const SERVICE = 'states';
/** As AWS has it. A request that somebody has recorded is worth nothing later. */
const LONGEST_SKEW_MS = 5 * 60_000;
/** What must be signed, or a signature would fit another call, another server or another time. */
const MUST_BE_SIGNED = ['host', 'x-amz-date', 'x-amz-target'];
const PAYLOAD_HASH = 'x-amz-content-sha256';

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 +Credential=([\w-]+)\/(\d{8})\/([a-z0-9-]+)\/(\w+)\/aws4_request, *SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})$/;

/** What the head of a request says of its signature. Nothing of it is proved yet. */
export interface Claim {
  readonly signature: string;
  readonly region: string;
  readonly signedAt: Date;
  /** Those that are signed, and no others. */
  readonly headers: Readonly<Record<string, string>>;
  readonly path: string;
}

/**
 * Everything that can be seen before the body is read.
 *
 * @throws ServiceFault in the words of AWS
 */
export function readClaim(request: IncomingMessage, keys: KeyPair, now: number = Date.now()): Claim {
  const [authorization, ...others] = request.headersDistinct.authorization ?? [];
  if (authorization === undefined) {
    throw new ServiceFault(
      'MissingAuthenticationTokenException',
      'The request is not signed: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as p2pfk serve printed them when it started.',
    );
  }
  const [, id, day, region, service, names, signature] = AUTHORIZATION.exec(authorization) ?? [];
  if (others.length > 0 || id === undefined || day === undefined || region === undefined)
    throw incomplete('The Authorization header is not a signature of version 4.');
  if (names === undefined || signature === undefined) throw incomplete('The Authorization header is cut off.');
  if (id !== keys.accessKeyId) {
    throw new ServiceFault(
      'UnrecognizedClientException',
      'The access key is not of this server: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as p2pfk serve printed them when it started.',
    );
  }
  const headers = signedHeaders(request, names.split(';'));
  const signedAt = dateOf(headers['x-amz-date'] ?? '');
  if (service !== SERVICE) throw wrong(`Credential should be scoped to the service ${SERVICE}.`);
  if (signedAt === null || !headers['x-amz-date']?.startsWith(day))
    throw wrong('The date does not fit the credential.');
  if (Math.abs(now - signedAt.getTime()) > LONGEST_SKEW_MS)
    throw wrong('Signature expired, or not yet valid: the two clocks differ by more than 5 minutes.');
  return { signature, region, signedAt, headers, path: request.url ?? '' };
}

/**
 * @param body as it was received
 * @throws ServiceFault where the signature is of another request, or was made with another secret
 */
export async function checkSignature(claim: Claim, body: Buffer, keys: KeyPair): Promise<void> {
  const { signature, region, signedAt, headers, path } = claim;
  const said = headers[PAYLOAD_HASH];
  // Never UNSIGNED-PAYLOAD: the signer below would believe whatever this header says.
  if (said !== undefined && said !== createHash('sha256').update(body).digest('hex'))
    throw wrong('The body is not the one that was signed.');
  // A call has no query; one that is there does not fit the empty one that is signed here.
  const signer = new SignatureV4({ credentials: keys, region, service: SERVICE, sha256: Sha256, applyChecksum: false });
  const signed = await signer.sign(
    { method: 'POST', protocol: 'http:', hostname: 'localhost', path, query: {}, headers: { ...headers }, body },
    { signingDate: signedAt, signableHeaders: new Set(Object.keys(headers)) },
  );
  const expected = AUTHORIZATION.exec(signed.headers.authorization ?? '')?.[6] ?? '';
  const [one, other] = [Buffer.from(signature, 'hex'), Buffer.from(expected, 'hex')];
  if (one.length !== other.length || !timingSafeEqual(one, other)) {
    throw wrong(
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
    );
  }
}

/** A header that is there twice could be read in two ways. */
function signedHeaders(request: IncomingMessage, names: readonly string[]): Record<string, string> {
  const missing = MUST_BE_SIGNED.filter((name) => !names.includes(name));
  if (missing.length > 0) throw incomplete(`These headers must be signed: ${missing.join(', ')}.`);
  const headers = names.map((name): [string, string] => {
    const [value, ...more] = request.headersDistinct[name] ?? [];
    if (value === undefined || more.length > 0) throw incomplete(`The signed header ${name} must be there once.`);
    return [name, value];
  });
  if (new Set(names).size !== names.length) throw incomplete('A header is signed twice.');
  return Object.fromEntries(headers);
}

/** `20270131T030000Z` */
function dateOf(text: string): Date | null {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hours, minutes, seconds] = parts;
  const date = new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  return Number.isNaN(date.getTime()) ? null : date;
}

const incomplete = (message: string) => new ServiceFault('IncompleteSignatureException', message);
const wrong = (message: string) => new ServiceFault('InvalidSignatureException', message);

/** SHA-256, and HMAC with it where there is a key, as the signer asks for it. */
export class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(key));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}
