/** Who runs a command: what is stated, the identity in AWS, or the user of this machine; and what is no name is refused. */
import { hostname, userInfo } from 'node:os';
import { SFNClient } from '@aws-sdk/client-sfn';
import { expect, it } from 'vitest';
import { callerIdentity } from '../../cli/executions/identity.ts';
import { statedHere, statedInAws, stopCause } from '../../cli/people.ts';
import { p2pfk } from './cli.helpers.ts';

const ARN = 'arn:aws:sts::123456789012:assumed-role/dba/ana';
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' };

it('is what is stated, else the user of this machine, or the identity in AWS', async () => {
  const here = `${userInfo().username}@${hostname()}`.replace(/[^\w@.+-]/g, '_');
  expect(statedHere({})).toEqual({ by: here });
  expect(statedHere({ by: ' Ana ', reason: 'CHG-7' })).toEqual({ by: 'Ana', reason: 'CHG-7' });
  expect(await statedInAws({}, () => Promise.resolve(ARN))).toEqual({ by: ARN });
  expect(await statedInAws({ by: 'Ana' }, () => Promise.reject(new Error('asked')))).toEqual({ by: 'Ana' });
  expect(await statedInAws({ reason: 'CHG-7' }, () => Promise.resolve(null))).toEqual({ by: here, reason: 'CHG-7' });
  expect(await statedInAws({}, () => Promise.reject(new Error('no network')))).toEqual({ by: here });
  expect(stopCause({ by: 'Ana', reason: 'CHG-7' }, 'p2pfk stop')).toBe(
    'stopped by Ana (as stated, not verified) with p2pfk stop: CHG-7',
  );
});

it('asks the Security Token Service with a signed request, and takes no answer for no identity', async () => {
  const client = new SFNClient({ region: 'eu-central-1', credentials });
  const asked: [string, RequestInit | undefined][] = [];
  const answer = (status: number, text: string) => (url: unknown, init?: RequestInit) => {
    asked.push([String(url), init]);
    return Promise.resolve(new Response(text, { status }));
  };
  expect(await callerIdentity(client, answer(200, `<Arn>${ARN}</Arn>`))).toBe(ARN);
  expect(asked[0]?.[0]).toBe('https://sts.eu-central-1.amazonaws.com/');
  expect(asked[0]?.[1]).toMatchObject({
    method: 'POST',
    body: 'Action=GetCallerIdentity&Version=2011-06-15',
    headers: {
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/sts\/aws4_request, /,
      ),
      'x-amz-security-token': 'token',
    },
  });
  expect(await callerIdentity(client, answer(403, 'no'))).toBeNull();
  expect(await callerIdentity(client, () => Promise.reject(new Error('no network')))).toBeNull();
  const local = new SFNClient({ region: 'local', credentials, endpoint: 'http://127.0.0.1:8083' });
  expect(await callerIdentity(local, answer(200, `<Arn>${ARN}</Arn>`))).toBeNull();
});

it.each([
  [
    ['migrate', '-t', 'path', '--by', 'a\nb'],
    '--by must be one line of 1 to 200 characters, without control or invisible characters',
  ],
  [
    ['approve', '-t', 'path', '--reason', 'a\u001b[31m'],
    '--reason must be one line of 1 to 500 characters, without control or invisible characters',
  ],
  [
    ['stop', '-e', `${ARN.replace('sts::', 'states:local:').replace(/:assumed.*/, ':execution:p2pfk:x')}`, '--by', ''],
    '--by must be',
  ],
  [
    ['migrate', '-t', 'path', '--approver-must-differ'],
    '--approver-must-differ has no meaning without --approval manual',
  ],
])('refuses %j in one line, before anything is asked', async (args, message) => {
  const { code, stderr } = await p2pfk(args, { DATABASE_URL: 'postgres://127.0.0.1:1/none' });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
