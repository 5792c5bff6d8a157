/** Runs executions in processes of their own: from the sources and looked into, or as the command line that people start. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

export interface ExecutionRequest {
  readonly databaseUrl: string;
  readonly input: { readonly table: string; readonly [option: string]: unknown };
  /** Each step opens its own sessions, as in AWS. */
  readonly newSessions?: boolean;
}

export interface FunctionFigures {
  readonly calls: number;
  /** All calls together; calls side by side count each. */
  readonly milliseconds: number;
  readonly queries: number;
  readonly failures: readonly string[];
}

export interface InsideView {
  /** SUCCEEDED, or the error and its cause. */
  readonly outcome: string;
  readonly milliseconds: number;
  readonly states: number;
  /** Of the history, as AWS would have it. */
  readonly events: number;
  /** Bytes of the largest input or output of a state. */
  readonly largestPayload: number;
  readonly maxRssMiB: number;
  /** Of the process, from the start of the execution to its end. */
  readonly processorMs: number;
  readonly sessions: number;
  readonly functions: Readonly<Record<string, FunctionFigures>>;
}

export async function lookInside(request: ExecutionRequest): Promise<InsideView> {
  const child = fork(join(import.meta.dirname, 'execution-child.ts'), {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const gone = goneOf(child);
  await Promise.race([once(child, 'message'), gone]);
  child.send(request);
  const [view] = (await Promise.race([once(child, 'message'), gone])) as [InsideView];
  return view;
}

async function goneOf(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, 'exit');
  throw new Error(`the process of an execution ended with ${signal ?? code}`);
}

export interface CommandRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** From the start of the process to its end. */
  readonly milliseconds: number;
  readonly maxRssMiB: number;
}

/** Writes what the process used to file descriptor 3 when it ends. */
const REPORT_USAGE = `data:text/javascript,import{writeSync}from'node:fs';process.on('exit',()=>{try{writeSync(3,String(process.resourceUsage().maxRSS))}catch{}})`;

/** The command line as built, such as `['plan', '--table', 'path']`. */
export async function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandRun> {
  const from = performance.now();
  const child = spawn(process.execPath, [`--import=${REPORT_USAGE}`, join(root, 'bin', 'p2pfk.js'), ...args], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const text = [1, 2, 3].map((descriptor) => {
    const chunks: Buffer[] = [];
    child.stdio[descriptor]?.on('data', (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString();
  });
  const [code] = await once(child, 'close');
  const milliseconds = performance.now() - from;
  const [stdout = '', stderr = '', usage = ''] = text.map((read) => read());
  return { exitCode: Number(code), stdout, stderr, milliseconds, maxRssMiB: Number(usage) / 1024 };
}

/** @throws Error with what the command said, when it did not end with exit code 0 */
export async function succeed(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const ran = await runCommand(args, environment);
  if (ran.exitCode !== 0)
    throw new Error(`p2pfk ${args.join(' ')} ended with ${ran.exitCode}: ${ran.stderr.slice(-2_000)}`);
  return ran;
}
