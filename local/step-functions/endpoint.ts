/** The endpoint over HTTP, on the loopback interface: for the AWS command line, for SDKs, and for a console page. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { keepLedgerOwner } from '../../lambdas/ledger-owner.ts';
import { trustConnection } from './connections.ts';
import { ServiceFault } from './faults.ts';
import { isCall, listen, MAX_CALL_BYTES } from './http.ts';
import { type Answer, answer, CONTENT_TYPE, fault } from './protocol.ts';
import { checkSignature, createKeyPair, type KeyPair, readClaim } from './signature.ts';
import type { StepFunctions } from './step-functions.ts';

export interface ServeOptions {
  readonly service: StepFunctions;
  /** 0 takes any that is free. */
  readonly port: number;
  /**
   * Answers every request that is no call of the Step Functions API, after the Host header was checked: the console page.
   * Without it they are answered with 404.
   */
  readonly listener?: RequestListener;
  /** With which calls have to be signed; left out, a new one. */
  readonly keys?: KeyPair;
}

export interface Endpoint {
  /** `http://127.0.0.1:<port>`, for `--endpoint-url`. */
  readonly url: string;
  readonly port: number;
  readonly keys: KeyPair;
  /** Ends the connections too. Executions go on. */
  close(): Promise<void>;
}

/** @throws Error with the code EADDRINUSE or EACCES when the port cannot be had */
export async function serve({ service, port, listener, keys = createKeyPair() }: ServeOptions): Promise<Endpoint> {
  keepLedgerOwner();
  const server = await listen({
    address: '127.0.0.1',
    port,
    isOurs: isLoopbackName,
    warn: (line) => service.warn(line),
    handle(request, response) {
      if (isCall(request)) return call(service, keys, request, response);
      if (listener !== undefined) return listener(request, response);
      send(
        response,
        fault(404, new ServiceFault('NotFound', 'This is a Step Functions endpoint: use it with --endpoint-url.')),
      );
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, port: server.port, keys, close: () => server.close() };
}

async function call(
  service: StepFunctions,
  keys: KeyPair,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    checkForm(request);
    const claim = readClaim(request, keys);
    const body = await readBody(request);
    if (body === null) {
      const tooLarge = new ServiceFault('RequestEntityTooLargeException', 'The request is too large.');
      return send(response, fault(413, tooLarge));
    }
    await checkSignature(claim, body, keys);
    trustConnection(request.socket);
    send(response, await answer(service, String(request.headers['x-amz-target']), body.toString('utf8')));
  } catch (error) {
    if (!(error instanceof ServiceFault)) throw error;
    send(response, fault(403, error));
  }
}

/** @throws ServiceFault where it is nothing that a client of AWS sends */
function checkForm({ method, headers, url }: IncomingMessage): void {
  if (method !== 'POST' || url !== '/')
    throw new ServiceFault('AccessDeniedException', 'A call of the API is a POST to /.');
  if (!String(headers['content-type'] ?? '').startsWith(CONTENT_TYPE))
    throw new ServiceFault('AccessDeniedException', `The content type is not ${CONTENT_TYPE}.`);
}

/** `localhost`, `127.0.0.1` or `[::1]`, with any port or none: through an SSH tunnel it is another one than ours. */
function isLoopbackName(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(host ?? '');
}

/** @returns null where it is too long; the rest is then discarded */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not destroyed when we stop in the middle: the answer has to get out first.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_CALL_BYTES) {
      request.resume();
      return null;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
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
