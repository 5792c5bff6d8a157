/**
 * An HTTP server that no request can end: what a client may use is bounded, what it does wrong is answered or cut off, and
 * what fails while it is answered is one line for a person. Used for the endpoint and for the console on another address.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../../core/contracts/errors.ts';
import { makeRoom } from './connections.ts';
import { ServiceFault } from './faults.ts';
import { CONTENT_TYPE, fault, TARGET_PREFIX } from './protocol.ts';

/** More than the largest input that StartExecution takes, written as JSON inside JSON. */
export const MAX_CALL_BYTES = 1024 * 1024;
/** More than any form of the console. */
export const MAX_FORM_BYTES = 64 * 1024;
/** Each may hold one body and one answer in memory. */
const MAX_CONNECTIONS = 64;
/** A request that takes longer to arrive is none. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** A client that reads nothing of its answer for so long is gone. Longer than the page's request for news waits. */
const IDLE_TIMEOUT_MS = 60_000;

export interface HttpServerOptions {
  /** One address of this machine. */
  readonly address: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Whether the value of a Host header means this server. */
  readonly isOurs: (host: string) => boolean;
  /** What it throws is told, and answered with 500. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => unknown;
  /** A line for a person. */
  readonly warn: (line: string) => void;
}

export interface HttpServer {
  readonly port: number;
  /** Ends the connections too. */
  close(): Promise<void>;
}

/** @throws Error with a code such as EADDRINUSE or EACCES when the port cannot be had */
export async function listen({ address, port, isOurs, handle, warn }: HttpServerOptions): Promise<HttpServer> {
  const complain = (error: unknown): void => warn(`a request could not be answered: ${messageOf(error)}`);

  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A client that goes away is no fault of ours; without a listener its error would end the process.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    try {
      const refusal = refusalOf(request, isOurs);
      if (refusal !== null) return refuse(request, response, refusal);
      if (request.headers.expect !== undefined) response.writeContinue();
      await handle(request, response);
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      complain(error);
      if (response.headersSent) response.destroy();
      else refuse(request, response, { status: 500, message: 'The server failed; it has printed why.' });
    }
  };

  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 2,
    },
    (request, response) => void take(request, response),
  );
  // Before the body is asked for: a client that waits for the word sends nothing that is refused.
  server.on('checkContinue', (request, response) => void take(request, response));
  makeRoom(server, MAX_CONNECTIONS);
  server.timeout = IDLE_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // A connection that cannot be accepted, because there are too many open files, say.
  server.on('error', (error) => warn(`a connection could not be accepted: ${messageOf(error)}`));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Refusal {
  readonly status: 400 | 403 | 413 | 500;
  readonly message: string;
}

/** From the head of the request alone. A browser that was led here by another site's page or DNS is one of those refused. */
function refusalOf(request: IncomingMessage, isOurs: (host: string) => boolean): Refusal | null {
  const { host: hosts = [], origin: origins = [] } = request.headersDistinct;
  const [host = ''] = hosts;
  if (hosts.length !== 1 || !isOurs(host)) return forbidden('The Host header names another machine.');
  if (origins.some((origin) => origin.toLowerCase() !== `http://${host.toLowerCase()}`))
    return forbidden('The Origin is another site.');
  if (!request.url?.startsWith('/')) return { status: 400, message: 'The target of the request is not a path.' };
  const longest = isCall(request) ? MAX_CALL_BYTES : MAX_FORM_BYTES;
  // A body that does not say how long it is is counted by who reads it.
  if (Number(request.headers['content-length'] ?? 0) > longest)
    return { status: 413, message: 'The request is too large.' };
  return null;
}

function forbidden(message: string): Refusal {
  return { status: 403, message };
}

/** Whether it is for the Step Functions API, and not for a page. */
export function isCall({ headers }: IncomingMessage): boolean {
  return String(headers['x-amz-target'] ?? '').startsWith(TARGET_PREFIX);
}

const FAULTS = {
  400: 'SerializationException',
  403: 'AccessDeniedException',
  413: 'RequestEntityTooLargeException',
  500: 'InternalFailure',
} as const;

/** The body is not read: Node discards what still comes of it, for as long as a request may take. */
function refuse(request: IncomingMessage, response: ServerResponse, { status, message }: Refusal): void {
  if (isCall(request)) {
    const { body } = fault(status, new ServiceFault(FAULTS[status], message));
    response.writeHead(status, { 'content-type': CONTENT_TYPE, 'cache-control': 'no-store' }).end(body);
  } else {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end(`${message}\n`);
  }
}
