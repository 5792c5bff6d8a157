/** Runs the psql scripts as `sql/README.md` says: the `psql` in PATH, a URL, `-v` variables, one file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { programPath } from '../support/programs.ts';

export const hasPsql = programPath('psql') !== undefined;

/** Like `describe`. A machine with nothing but Node can run the suite all the same: programs.ts says what it leaves out. */
export const describeWithPsql = describe.runIf(hasPsql);

/** Short names of the five scripts. */
const SCRIPTS = {
  step1: 'migrate-to-p2p-fk-step1-add-partition-fks',
  step2: 'migrate-to-p2p-fk-step2-validate',
  step3: 'migrate-to-p2p-fk-step3-drop-parent-fk',
  step4: 'migrate-to-p2p-fk-step4-verify',
  rollback: 'migrate-to-p2p-fk-rollback',
} as const;

export type Script = keyof typeof SCRIPTS;

/** The four forward scripts, in their order. */
export const STEPS = ['step1', 'step2', 'step3', 'step4'] as const;

export interface Finished {
  /** 0 done, 3 the script has stopped. */
  readonly code: number | null;
  /** Standard output, without empty lines. */
  readonly lines: readonly string[];
  /** Standard error, each line without psql's `psql:FILE:LINE: `. */
  readonly errors: readonly string[];
}

export interface Started {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

/** The environment without anything that would choose a database, a file or a language for psql. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|PSQL|LC_|LANG)/.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C.UTF-8' };
}

/** @param args psql's own, before the scripts; several scripts run in one session */
export function startPsql(
  url: string,
  scripts: Script | readonly Script[],
  variables: Readonly<Record<string, string>> = { table: 'path' },
): Started {
  // Longer than the default: on a busy machine the drop must still fit, as nobody runs the script again here.
  const given = Object.entries({ lock_timeout_ms: '10000', ...variables }).flatMap(([name, value]) => [
    '-v',
    `${name}=${value}`,
  ]);
  const files = [scripts]
    .flat()
    .flatMap((script) => ['-f', fileURLToPath(new URL(`../../sql/${SCRIPTS[script]}.sql`, import.meta.url))]);
  return startPsqlWith([url, '-X', ...given, ...files]);
}

/** psql with arguments of the caller's own. */
function startPsqlWith(args: readonly string[]): Started {
  const child = spawn('psql', args, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
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
    child.on('close', (code) => {
      const split = (text: string) => text.split('\n').filter((line) => line !== '');
      resolve({ code, lines: split(stdout), errors: split(stderr).map((line) => line.replace(/^psql:\S+:\d+: /, '')) });
    });
  });
  return { child, finished };
}

/** Runs one file as `p2pfk plan --sql` prints it. */
export function psqlFile(
  url: string,
  file: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const given = Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
  return startPsqlWith([url, '-X', '-v', 'ON_ERROR_STOP=1', ...given, '-f', file]).finished;
}

export function psql(
  url: string,
  scripts: Script | readonly Script[],
  variables?: Readonly<Record<string, string>>,
): Promise<Finished> {
  return startPsql(url, scripts, variables).finished;
}

/** Runs scripts one after the other, each in a session of its own, and expects each to succeed. */
export async function psqlInOrder(
  url: string,
  scripts: readonly Script[],
  variables?: Readonly<Record<string, string>>,
): Promise<Finished[]> {
  const runs: Finished[] = [];
  for (const script of scripts) {
    const run = await psql(url, script, variables);
    if (run.code !== 0)
      throw new Error(`${script} ended with ${run.code}: ${[...run.lines, ...run.errors].join('\n')}`);
    runs.push(run);
  }
  return runs;
}

/** Lines whose durations are all the same, to compare what two runs said. */
export function withoutTimes(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line.replaceAll(/\d\d:\d\d:\d\d(\.\d{3})?/g, 'TIME').replace(/held for (?:at most )?[\d.]+ m?s/, 'held for N ms'),
  );
}
