import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { SAME_SIGNAL_MS } from '../../cli/interrupt.ts';

const MODULE = new URL('../../cli/interrupt.ts', import.meta.url).href;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A process that stops in good order for ever, once it is told to stop. */
const program = `
  import { onInterrupt } from ${JSON.stringify(MODULE)};
  const { signal } = onInterrupt(() => console.log('first'));
  signal.addEventListener('abort', () => console.log('aborted'));
  setInterval(() => {}, 1000);
  console.log('ready');`;

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('the second %s ends the process at once, exit %i', async (signal, exitCode) => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  const said: string[] = [];
  const until = async (text: string) => {
    while (!said.join('').includes(text)) said.push(String((await once(child.stdout, 'data'))[0]));
  };
  await until('ready');

  child.kill(signal);
  await until('aborted');
  await pause(SAME_SIGNAL_MS + 100);
  child.kill(signal);

  const [code] = await once(child, 'exit');
  expect(code).toBe(exitCode);
  expect(said.join('')).toBe('ready\nfirst\naborted\n');
});

it('a signal that comes twice at once, from the group and from the launcher, is one', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  const said: string[] = [];
  child.stdout.on('data', (text) => said.push(String(text)));
  const until = async (text: string) => {
    while (!said.join('').includes(text)) await once(child.stdout, 'data');
  };
  await until('ready');

  child.kill('SIGINT');
  await until('aborted');
  child.kill('SIGINT');
  child.kill('SIGTERM');
  await pause(SAME_SIGNAL_MS + 100);
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');

  const [code] = await once(child, 'exit');
  expect(code).toBe(130);
  expect(said.join('')).toBe('ready\nfirst\naborted\n');
});

it('the second of the two does not kill a process that is printing its last words', async () => {
  const last = `
    import { onInterrupt } from ${JSON.stringify(MODULE)};
    const interruption = onInterrupt(() => {});
    interruption.signal.addEventListener('abort', () => {
      interruption.dispose();
      console.log('disposed');
      setTimeout(() => { console.log('last words'); process.exitCode = interruption.exitCode; clearInterval(alive); }, 300);
    });
    const alive = setInterval(() => {}, 1000);
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', last]);
  const said: string[] = [];
  child.stdout.on('data', (text) => said.push(String(text)));
  const until = async (text: string) => {
    while (!said.join('').includes(text)) await once(child.stdout, 'data');
  };
  await until('ready');

  child.kill('SIGINT');
  await until('disposed');
  child.kill('SIGINT');

  expect(await once(child, 'close')).toEqual([130, null]);
  expect(said.join('')).toContain('last words');
});
