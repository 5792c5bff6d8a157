import { request } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { listenElsewhere, passwordFor } from '../../cli/console/elsewhere.ts';

function statusOf(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('error', reject);
    asked.end();
  });
}

it('answers on another address only requests that name it', async () => {
  const { url, close } = await listenElsewhere('127.0.0.1', 0, (_request, response) => response.end('the page'));
  onTestFinished(close);
  const { host } = new URL(url);
  expect(await statusOf(url, host)).toBe(200);
  expect(await statusOf(url, 'rebound.example')).toBe(403);
  expect(await statusOf(url, 'localhost')).toBe(403);
});

it.each(['0.0.0.0', '::'])('does not listen on all addresses: %s', async (host) => {
  await expect(listenElsewhere(host, 0, () => undefined)).rejects.toThrow('must be one address or name');
});

it.each([{}, { P2PFK_CONSOLE_PASSWORD: 'short' }])('wants a password that is not soon guessed: %o', (env) => {
  expect(() => passwordFor('192.0.2.1', env)).toThrow('at least 12 characters');
});
