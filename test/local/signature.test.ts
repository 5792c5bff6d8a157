/** Who may call the API: whoever has the key pair, for this request, now. Signed by AWS's own SDK. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import {
  ListStateMachinesCommand,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../local/step-functions/endpoint.ts';
import { open, useDatabase } from './endpoint.helpers.ts';

useDatabase();

type Next = (args: { request: unknown; input: ServiceInputTypes }) => Promise<{
  response: unknown;
  output: ServiceOutputTypes;
}>;
type Headers = Record<string, string | readonly string[]>;

interface Signed {
  readonly headers: Record<string, string>;
  readonly body: string;
}

interface SigningOptions {
  readonly keys?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly skewMs?: number;
  /** Added before it is signed. */
  readonly headers?: Record<string, string>;
}

/** What the SDK would send. */
async function sign(http: Endpoint, { keys, skewMs = 0, headers = {} }: SigningOptions = {}): Promise<Signed> {
  let signed: Signed | undefined;
  const client = new SFNClient({
    region: 'eu-central-1',
    endpoint: http.url,
    credentials: keys ?? http.keys,
    systemClockOffset: skewMs,
    maxAttempts: 1,
    requestHandler: {
      handle(sent: Signed) {
        signed = { headers: sent.headers, body: sent.body };
        throw new Error('kept');
      },
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    },
  });
  client.middlewareStack.addRelativeTo(
    (next: Next): Next =>
      (args) => {
        const sent = args.request as { headers: Record<string, string> };
        // It is signed where it is there, and a chunked body has none.
        delete sent.headers['content-length'];
        Object.assign(sent.headers, headers);
        return next(args);
      },
    { name: 'change', relation: 'before', toMiddleware: 'httpSigningMiddleware' },
  );
  await client.send(new ListStateMachinesCommand({})).catch(() => undefined);
  client.destroy();
  if (signed === undefined) throw new Error('the SDK signed nothing');
  return signed;
}

async function send(http: Endpoint, headers: Headers, body: string, path = '/'): Promise<string> {
  const sent = request({
    host: '127.0.0.1',
    port: http.port,
    path,
    method: 'POST',
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) } as Record<string, string | string[]>,
  });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  let text = '';
  for await (const chunk of answer) text += chunk;
  const { __type: type = '' } = JSON.parse(text);
  return `${answer.statusCode} ${type}`.trim();
}

const WRONG = '403 InvalidSignatureException';
const INCOMPLETE = '403 IncompleteSignatureException';

describe('a call', () => {
  it('is answered where it was signed with the key pair of this server, in any region', async () => {
    const { http } = await open();
    const { headers, body } = await sign(http);
    expect(await send(http, headers, body)).toBe('200');
    // Four minutes are the difference of two clocks.
    const late = await sign(http, { skewMs: -4 * 60_000 });
    expect(await send(http, late.headers, late.body)).toBe('200');
  });

  it('is refused without a signature, and where anything that was signed has changed', async () => {
    const { http } = await open();
    const { headers, body } = await sign(http);
    const { authorization = '', ...unsigned } = headers;
    const changed = (change: Record<string, string | readonly string[]>, text = body, path = '/') =>
      send(http, { ...headers, ...change }, text, path);

    expect(await send(http, unsigned, body)).toBe('403 MissingAuthenticationTokenException');
    expect(await send(http, { ...unsigned, authorization: 'Basic bG9jYWw6bG9jYWw=' }, body)).toBe(INCOMPLETE);
    expect(await changed({ authorization: [authorization, authorization] })).toBe(INCOMPLETE);
    expect(await changed({}, '{"maxResults":1}')).toBe(WRONG);
    expect(await changed({ 'x-amz-target': 'AWSStepFunctions.StopExecution' })).toBe(WRONG);
    expect(await changed({ 'x-amz-target': [headers['x-amz-target'] ?? '', 'AWSStepFunctions.Other'] })).not.toBe(
      '200',
    );
    expect(await changed({ host: `localhost:${http.port}` })).toBe(WRONG);
    expect(await changed({ 'x-amz-date': '20200101T000000Z' })).toBe(WRONG);
    expect(await changed({ authorization: authorization.replace('eu-central-1', 'eu-central-2') })).toBe(WRONG);
    expect(await changed({ authorization: authorization.replace('/states/', '/lambda/') })).toBe(WRONG);
    expect(await changed({ authorization: authorization.replace(/[0-9a-f]{64}$/, '0'.repeat(64)) })).toBe(WRONG);
    for (const name of ['host', 'x-amz-date', 'x-amz-target'])
      expect(await changed({ authorization: authorization.replace(new RegExp(`;${name}|${name};`), '') })).toBe(
        INCOMPLETE,
      );
    expect(await changed({}, body, '/?Action=1')).toBe('403 AccessDeniedException');
  });

  it('is refused under another key, another secret, unhashed, and after five minutes', async () => {
    const { http } = await open();
    const refused = async (options: SigningOptions) => {
      const { headers, body } = await sign(http, options);
      return send(http, headers, body);
    };
    const { accessKeyId, secretAccessKey } = http.keys;

    expect(await refused({ keys: { accessKeyId: 'local', secretAccessKey } })).toBe('403 UnrecognizedClientException');
    expect(await refused({ keys: { accessKeyId, secretAccessKey: 'local' } })).toBe(WRONG);
    expect(await refused({ skewMs: -6 * 60_000 })).toBe(WRONG);
    expect(await refused({ skewMs: 6 * 60_000 })).toBe(WRONG);
    expect(await refused({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } })).toBe(WRONG);
  });

  it('is refused when its body becomes too long, whether it says so or not', async () => {
    const { http } = await open();
    const { headers } = await sign(http);
    const body = ' '.repeat(3 * 1024 * 1024);
    expect(await send(http, headers, body)).toBe('413 RequestEntityTooLargeException');
    const sent = request({ host: '127.0.0.1', port: http.port, method: 'POST', headers });
    sent.on('error', () => undefined);
    sent.write(body);
    const [answer] = await once(sent, 'response');
    expect(answer.statusCode).toBe(413);
    sent.destroy();
  });

  it('is refused before its body is read', async () => {
    const { http } = await open();
    const socket = connect(http.port, '127.0.0.1');
    await once(socket, 'connect');
    // A megabyte is announced, and nothing of it is sent.
    socket.write(
      'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AWSStepFunctions.ListExecutions\r\nContent-Length: 1000000\r\n\r\n',
    );
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 403 /);
    socket.destroy();
  });

  it('has a key pair of its own on each server', async () => {
    const [one, other] = [(await open()).http, (await open()).http];
    const { headers, body } = await sign(one);
    expect(one.keys.secretAccessKey).toMatch(/^[\w-]{43}$/);
    expect(await send(other, { ...headers, host: `127.0.0.1:${one.port}` }, body)).toBe(
      '403 UnrecognizedClientException',
    );
  });
});
