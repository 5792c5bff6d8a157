import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

const MODULE = new URL('../../cli/interrupt.ts', import.meta.url).href;

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
  child.kill(signal);

  const [code] = await once(child, 'exit');
  expect(code).toBe(exitCode);
  expect(said.join('')).toBe('ready\nfirst\naborted\n');
});
