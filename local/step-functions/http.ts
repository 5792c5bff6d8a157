/**
 * An HTTP server that no request can crash. What a client may use is limited, invalid requests are answered or cut off, and an
 * error in our own handling is reported in one line for a person. Used for the endpoint, and for the console on another address.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../../core/contracts/errors.ts';
import { makeRoom } from './connections.ts';
import { ServiceFault } from './faults.ts';
import { CONTENT_TYPE, fault, TARGET_PREFIX } from './protocol.ts';

/** In bytes: larger than the largest input of StartExecution as JSON inside JSON. */
export const MAX_CALL_BYTES = 1024 * 1024;
/** In bytes: larger than any form of the console. */
export const MAX_FORM_BYTES = 64 * 1024;
/** Each connection may hold one body and one answer in memory. */
const MAX_CONNECTIONS = 64;
/** A request that takes longer to arrive is cut off. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** A client that reads nothing of its answer for this long is cut off. Longer than the console page's long poll. */
const IDLE_TIMEOUT_MS = 60_000;

/** Where to listen, and how to handle requests. */
export interface HttpServerOptions {
  /** One address of this machine. */
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** Whether the value of a Host header is a name of this server. */
  readonly isOurs: (host: string) => boolean;
  /** Errors that it throws are reported with `warn`, and answered with 500. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => unknown;
  /** Called with a line for a person. */
  readonly warn: (line: string) => void;
}

/** A server that listens. */
export interface HttpServer {
  readonly port: number;
  /** Stops the server and closes its connections. */
  close(): Promise<void>;
}

/** @throws Error with a code such as EADDRINUSE or EACCES when the port is not available */
export async function listen({ address, port, isOurs, handle, warn }: HttpServerOptions): Promise<HttpServer> {
  const reportFailure = (error: unknown): void => warn(`a request could not be answered: ${messageOf(error)}`);

  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A client that disconnects is no error of ours; without a listener the event would end the process.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    try {
      const refusal = refusalOf(request, isOurs);
      if (refusal !== null) return refuse(request, response, refusal);
      if (request.headers.expect !== undefined) response.writeContinue();
      await handle(request, response);
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      reportFailure(error);
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
  // Checked before the body is sent: a client that waits for `100 Continue` sends no body if the request is refused.
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
  // For example because there are too many open files.
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

/**
 * @returns why the request is refused, judged by its head only; null where it is not. This also refuses requests of a browser
 *   that another site's page or DNS has led here.
 */
function refusalOf(request: IncomingMessage, isOurs: (host: string) => boolean): Refusal | null {
  const { host: hosts = [], origin: origins = [] } = request.headersDistinct;
  const [host = ''] = hosts;
  if (hosts.length !== 1 || !isOurs(host)) return forbidden('The Host header names another machine.');
  if (origins.some((origin) => origin.toLowerCase() !== `http://${host.toLowerCase()}`))
    return forbidden('The Origin is another site.');
  if (!request.url?.startsWith('/')) return { status: 400, message: 'The target of the request is not a path.' };
  const longest = isCall(request) ? MAX_CALL_BYTES : MAX_FORM_BYTES;
  // A body without a declared length is counted while it is read.
  if (Number(request.headers['content-length'] ?? 0) > longest)
    return { status: 413, message: 'The request is too large.' };
  return null;
}

function forbidden(message: string): Refusal {
  return { status: 403, message };
}

/** Whether the request is a call of the Step Functions API, and not for a page. */
export function isCall({ headers }: IncomingMessage): boolean {
  return String(headers['x-amz-target'] ?? '').startsWith(TARGET_PREFIX);
}

const FAULTS = {
  400: 'SerializationException',
  403: 'AccessDeniedException',
  413: 'RequestEntityTooLargeException',
  500: 'InternalFailure',
} as const;

/** Answers with an error. The body is not read: Node discards the rest of it, for at most as long as a request may take. */
function refuse(request: IncomingMessage, response: ServerResponse, { status, message }: Refusal): void {
  if (isCall(request)) {
    const { body } = fault(status, new ServiceFault(FAULTS[status], message));
    response.writeHead(status, { 'content-type': CONTENT_TYPE, 'cache-control': 'no-store' }).end(body);
  } else {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end(`${message}\n`);
  }
}
