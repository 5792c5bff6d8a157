/** Runs the command line as a process, as a person or a script does. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
/** Processes are many and alike: what one has compiled serves the next. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/p2pfk-compiled', import.meta.url));
export const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** Executions of these tests are kept for as long as the test file runs, and not with those of whoever runs it. */
const STATE_DIRECTORY = mkdtempSync(join(tmpdir(), 'p2pfk-test-state-'));
afterAll(() => rmSync(STATE_DIRECTORY, { recursive: true, force: true }));

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly finished: Promise<Finished>;
  /** Stdout and stderr so far. */
  output(): string;
  /** Resolves when stdout and stderr together hold `text`. Rejects when the process ends before. */
  says(text: string): Promise<void>;
}

/** The environment without anything that would choose a database, an account or colours for us; CI takes colours away. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(CI$|PG|AWS_|P2PFK_|NO_COLOR|FORCE_COLOR|DATABASE_URL|VITEST|NODE_)/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    AWS_EC2_METADATA_DISABLED: 'true',
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    P2PFK_STATE_DIR: STATE_DIRECTORY,
    ...extra,
  };
}

export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  const child = spawn(NODE, [MAIN, ...args], { cwd: ROOT, env: cleanEnvironment(env) });
  child.stdin.end();
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const says = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (`${stdout}${stderr}`.includes(text)) resolve();
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      child.on('close', () => reject(new Error(`it ended without saying ${text}: ${stdout}${stderr}`)));
      look();
    });
  return { child, finished, output: () => `${stdout}${stderr}`, says };
}

export function p2pfk(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return start(args, env).finished;
}
