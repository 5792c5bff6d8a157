/**
 * The AWS SDK's client on an endpoint in the same process: requests and answers as they would go over HTTP, but over no
 * socket. `p2pfk migrate` opens no port, so nobody else on the machine can stop or start anything through it.
 */
import { SFNClient } from '@aws-sdk/client-sfn';
import { answer, CONTENT_TYPE } from './protocol.ts';
import type { StepFunctions } from './step-functions.ts';

export function inProcessClient(service: StepFunctions): SFNClient {
  return new SFNClient({
    region: 'local',
    endpoint: 'http://localhost',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    // What fails here fails again.
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
}
