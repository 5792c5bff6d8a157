/** Runs a command line in the process of the test: for tests of many of them, where starting a process each takes too long. */
import { vi } from 'vitest';
import { run } from '../../cli/program.ts';
import { cleanEnvironment, type Finished } from './cli.helpers.ts';

/** As p2pfk() of cli.helpers.ts; not for commands that wait for a signal. One at a time. */
export async function p2pfkHere(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Omit<Finished, 'signal'>> {
  const before = { ...process.env };
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += String(text);
      return true;
    }),
  );
  replaceEnvironment(cleanEnvironment(env));
  try {
    return { code: await run(args), ...said };
  } finally {
    replaceEnvironment(before);
    for (const spy of spies) spy.mockRestore();
  }
}

function replaceEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
}
