/** The endpoint over HTTP, on the loopback interface: for the AWS command line, for SDKs, and for a console page. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServiceFault } from './faults.ts';
import { type Answer, answer, CONTENT_TYPE, fault, TARGET_PREFIX } from './protocol.ts';
import type { StepFunctions } from './step-functions.ts';

/** More than the largest input that StartExecution takes, written as JSON inside JSON. */
const MAX_BODY_BYTES = 1024 * 1024;
/** A request that takes longer to arrive is none. */
const REQUEST_TIMEOUT_MS = 30_000;

export interface ServeOptions {
  readonly service: StepFunctions;
  /** 0 takes any that is free. */
  readonly port: number;
  /**
   * Answers every request that is no call of the Step Functions API, after the Host header was checked: the console page.
   * Without it they are answered with 404.
   */
  readonly listener?: RequestListener;
}

export interface Endpoint {
  /** `http://127.0.0.1:<port>`, for `--endpoint-url`. */
  readonly url: string;
  readonly port: number;
  /** Ends the connections too. Executions go on. */
  close(): Promise<void>;
}

/** @throws Error with the code EADDRINUSE or EACCES when the port cannot be had */
export async function serve({ service, port, listener }: ServeOptions): Promise<Endpoint> {
  const server = createServer((request, response) => {
    // A name that somebody else's DNS points at this machine comes with somebody else's page.
    if (!isLoopbackName(request.headers.host)) return refuse(response, 403, 'The Host header names another machine.');
    if (String(request.headers['x-amz-target'] ?? '').startsWith(TARGET_PREFIX)) {
      void call(service, request, response);
      return;
    }
    if (listener !== undefined) return listener(request, response);
    refuse(response, 404, 'This is a Step Functions endpoint: use it with --endpoint-url.');
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const actual = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${actual}`,
    port: actual,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function call(service: StepFunctions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refusal = refusalOf(request);
  if (refusal !== null) return refuse(response, 403, refusal);
  const body = await readBody(request);
  if (body === null) {
    response.setHeader('connection', 'close');
    return send(response, fault(413, new ServiceFault('RequestEntityTooLargeException', 'The request is too large.')));
  }
  send(response, await answer(service, String(request.headers['x-amz-target']), body));
}

/**
 * A browser sends a page's request elsewhere with these headers only after asking us, which we do not answer; looked at
 * all the same. SDKs send no Origin.
 */
function refusalOf({ method, headers }: IncomingMessage): string | null {
  if (method !== 'POST') return 'A call of the API is a POST.';
  if (headers.origin !== undefined && !isLoopbackName(hostOf(headers.origin))) return 'The Origin is another site.';
  if (!String(headers['content-type'] ?? '').startsWith(CONTENT_TYPE))
    return `The content type is not ${CONTENT_TYPE}.`;
  return null;
}

/** `localhost`, `127.0.0.1` or `[::1]`, with any port or none. */
export function isLoopbackName(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host ?? '');
}

function hostOf(origin: string): string {
  try {
    return new URL(origin).host;
  } catch {
    return '';
  }
}

/** @returns null where it is too long */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, {
    'content-type': CONTENT_TYPE,
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
    'cache-control': 'no-store',
  });
  response.end(body);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  send(response, fault(status, new ServiceFault(status === 403 ? 'AccessDeniedException' : 'NotFound', message)));
}
