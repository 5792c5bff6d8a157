/**
 * Authentication of API calls: a caller has to sign with this server's key pair, as AWS's clients do (Signature Version 4). The
 * signer of AWS's own SDK computes the signature again, from the secret and the received request, and the two are compared.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
import { createHash, createHmac, type Hash, type Hmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';
import { ServiceFault } from './faults.ts';

/** The credentials of one server. */
export interface KeyPair {
  readonly accessKeyId: string;
  /** 256 random bits. */
  readonly secretAccessKey: string;
}

/** A new key pair for each server. It is never stored, so it is worthless as soon as the server has ended. */
export function createKeyPair(): KeyPair {
  return {
    accessKeyId: `P2PFK${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(32).toString('base64url'),
  };
}

const SERVICE = 'states';
/** AWS's limit, in milliseconds. A recorded request cannot be used later. */
const LONGEST_SKEW_MS = 5 * 60_000;
/** Headers that must be signed; otherwise a signature would also be valid for another call, another server or another time. */
const MUST_BE_SIGNED = ['host', 'x-amz-date', 'x-amz-target'];
const PAYLOAD_HASH = 'x-amz-content-sha256';

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 +Credential=([\w-]+)\/(\d{8})\/([a-z0-9-]+)\/(\w+)\/aws4_request, *SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})$/;

/** The signature in the head of a request. Nothing of it is verified yet. */
export interface Claim {
  readonly signature: string;
  readonly region: string;
  readonly signedAt: Date;
  /** The signed headers, and no others. */
  readonly headers: Readonly<Record<string, string>>;
  readonly path: string;
}

/**
 * Reads the signature, and checks everything that can be checked before the body is read.
 *
 * @param now milliseconds since the epoch
 * @throws ServiceFault with AWS's messages
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
 * Checks the signature.
 *
 * @param body as it was received
 * @throws ServiceFault where the signature belongs to another request, or was made with another secret
 */
export async function checkSignature(claim: Claim, body: Buffer, keys: KeyPair): Promise<void> {
  const { signature, region, signedAt, headers, path } = claim;
  const claimedHash = headers[PAYLOAD_HASH];
  // UNSIGNED-PAYLOAD is not allowed: the signer below would trust any value of this header.
  if (claimedHash !== undefined && claimedHash !== createHash('sha256').update(body).digest('hex'))
    throw wrong('The body is not the one that was signed.');
  // A call has no query. If there is one, the signature does not match, because an empty query is signed here.
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

/** The signed headers; each must appear once, because a repeated header could be read in two ways. */
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

/** Parses a date such as `20270131T030000Z`; null where it is none. */
function dateOf(text: string): Date | null {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hours, minutes, seconds] = parts;
  const date = new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  return Number.isNaN(date.getTime()) ? null : date;
}

const incomplete = (message: string) => new ServiceFault('IncompleteSignatureException', message);
const wrong = (message: string) => new ServiceFault('InvalidSignatureException', message);

/** SHA-256, or HMAC with it where there is a key, in the form that the signer requires. */
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
