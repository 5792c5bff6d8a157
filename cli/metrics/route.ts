/**
 * `/metrics` of the local endpoint: 404 unless it was asked for, and then only for requests that bring the token. The address is
 * open to every user of the machine, so the address alone opens nothing.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { keepSecret } from '../../core/contracts/redact.ts';
import { trustConnection } from '../../local/step-functions/connections.ts';
import type { ExecutionMetrics } from './metrics.ts';

const TOKEN_VARIABLE = 'P2PFK_METRICS_TOKEN';
/** What an Authorization header can carry, and no one guesses. */
const TOKEN = /^[\w.~+/-]{24,}=*$/;

export interface ServedMetrics {
  readonly metrics: ExecutionMetrics;
  readonly token: string;
  /** Where it was made here, it has to be shown. */
  readonly isNewToken: boolean;
}

/** @throws InvalidInput where the token of the environment is soon guessed, or no header can carry it */
export async function openMetrics(env: NodeJS.ProcessEnv = process.env): Promise<ServedMetrics> {
  const given = env[TOKEN_VARIABLE] ?? '';
  if (given !== '' && !TOKEN.test(given))
    throw new InvalidInput(
      `${TOKEN_VARIABLE} must have at least 24 letters, digits and -._~+/; make one: export ${TOKEN_VARIABLE}="$(openssl rand -hex 32)"`,
    );
  keepSecret(given);
  const { ExecutionMetrics } = await import('./metrics.ts');
  const token = given === '' ? randomBytes(32).toString('base64url') : given;
  return { metrics: new ExecutionMetrics(), token, isNewToken: given === '' };
}

/** @param served null: off */
export function withMetrics(next: RequestListener, served: ServedMetrics | null): RequestListener {
  const isAuthorized = served === null ? () => false : comparison(`Bearer ${served.token}`);
  return (request, response) => {
    if (!/^\/metrics(?:$|\?)/.test(request.url ?? '')) return next(request, response);
    if (served === null) return say(response, 404, 'Metrics are off: p2pfk serve --metrics');
    if (!isAuthorized(request.headers.authorization)) {
      response.setHeader('www-authenticate', 'Bearer');
      return say(response, 401, 'The token is missing or wrong: Authorization: Bearer TOKEN');
    }
    if (request.method !== 'GET') return say(response, 405, 'Only GET is answered.');
    return scrape(request, response, served.metrics);
  };
}

async function scrape(request: IncomingMessage, response: ServerResponse, metrics: ExecutionMetrics): Promise<void> {
  trustConnection(request.socket);
  const text = await metrics.text();
  response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(text);
}

function say(response: ServerResponse, status: number, line: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${line}\n`);
}

/** In constant time, also of texts of different lengths. */
function comparison(expected: string): (given: string | undefined) => boolean {
  const key = randomBytes(32);
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const wanted = digest(expected);
  return (given) => given !== undefined && timingSafeEqual(digest(given), wanted);
}
