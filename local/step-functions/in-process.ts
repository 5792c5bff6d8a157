/**
 * A client of the AWS SDK for an endpoint in the same process: requests and answers as over HTTP, but without a socket. `p2pfk
 * migrate` opens no port, so other users of the machine cannot stop or start anything through it.
 */
import { SFNClient } from '@aws-sdk/client-sfn';
import { answer, CONTENT_TYPE } from './protocol.ts';
import type { StepFunctions } from './step-functions.ts';

/** @returns a client whose requests are answered by `service` */
export function inProcessClient(service: StepFunctions): SFNClient {
  const client = new SFNClient({
    region: 'local',
    endpoint: 'http://localhost',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    // No retries: a call that fails within the process would fail again.
    maxAttempts: 1,
    requestHandler: {
      async handle({ headers, body }: { headers: Record<string, string>; body?: string | Uint8Array }) {
        const target = headers['x-amz-target'] ?? '';
        const request = typeof body === 'string' ? body : new TextDecoder().decode(body);
        const { status, body: json } = await answer(service, target, request);
        return {
          response: {
            statusCode: status,
            headers: { 'content-type': CONTENT_TYPE },
            body: new TextEncoder().encode(json),
          },
        };
      },
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    },
  });
  // It would prepare each answer for a logger that there is not: most of the time of a request.
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}
