/** The endpoint over HTTP on the loopback interface, for the AWS command line, for SDKs, and for a console page. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { keepLedgerOwner } from '../../lambdas/ledger-owner.ts';
import { trustConnection } from './connections.ts';
import { ServiceFault } from './faults.ts';
import { isCall, listen, MAX_CALL_BYTES } from './http.ts';
import { type Answer, answer, CONTENT_TYPE, fault } from './protocol.ts';
import { checkSignature, createKeyPair, type KeyPair, readClaim } from './signature.ts';
import type { StepFunctions } from './step-functions.ts';

/** What to serve, and where. */
export interface ServeOptions {
  readonly service: StepFunctions;
  /** 0: any free port. */
  readonly port: number;
  /**
   * Handles every request that is not a call of the Step Functions API, after the Host header was checked: the console page.
   * Without it such requests are answered with 404.
   */
  readonly listener?: RequestListener;
  /** The key pair that calls have to be signed with. Default: a new one. */
  readonly keys?: KeyPair;
}

/** A server that listens. */
export interface Endpoint {
  /** `http://127.0.0.1:<port>`, for `--endpoint-url`. */
  readonly url: string;
  readonly port: number;
  readonly keys: KeyPair;
  /** Stops the server and closes its connections. Executions continue. */
  close(): Promise<void>;
}

/** @throws Error with the code EADDRINUSE or EACCES when the port is not available */
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

/** @throws ServiceFault where the request does not have the form that clients of AWS send */
function checkForm({ method, headers, url }: IncomingMessage): void {
  if (method !== 'POST' || url !== '/')
    throw new ServiceFault('AccessDeniedException', 'A call of the API is a POST to /.');
  if (!String(headers['content-type'] ?? '').startsWith(CONTENT_TYPE))
    throw new ServiceFault('AccessDeniedException', `The content type is not ${CONTENT_TYPE}.`);
}

/**
 * Whether a Host header is `localhost`, `127.0.0.1` or `[::1]`, with any port or none: through an SSH tunnel the port differs
 * from ours.
 */
function isLoopbackName(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(host ?? '');
}

/** @returns null where the body is too long; the rest is then discarded */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The request is not destroyed when reading stops early, because the answer has to be sent first.
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
