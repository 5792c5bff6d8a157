/**
 * A program that runs for each document: without a shell, with the document on its standard input, and with an environment in which no
 * password of this process is. It runs for a bounded time, in a process group of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidInput, messageOf } from '../../core/contracts/errors.ts';
import { echoed, redact, withheld } from '../../core/contracts/redact.ts';
import { intruderIn } from '../../local/trusted-path.ts';
import { oneLine } from '../text.ts';
import type { Delivery, Document } from './deliveries.ts';

/** Milliseconds for one run. */
const RUN_MS = 30_000;
/** Characters of its standard error that are read. */
const LONGEST_ERROR = 1_000;

/**
 * What is passed on of our environment: where programs and the person's files are, language and time zone. All else may be a secret, such
 * as DATABASE_URL, PGPASSWORD, keys of AWS or P2PFK_NOTIFY_SECRET.
 */
const KEPT = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|SYSTEMROOT|WINDIR|PATHEXT|TEMP|TMP)$/;

/**
 * @returns the absolute path
 * @throws InvalidInput where it is no program, or another user could have written it
 */
export function eventProgram(given: string): string {
  if (given.includes('://'))
    throw new InvalidInput(
      '--on-event must be the path of a program; a URL, which may have a token in it, is for P2PFK_NOTIFY_URL',
    );
  const program = resolve(given);
  const problem = problemOf(program);
  if (problem !== null) throw new InvalidInput(`--on-event ${echoed(given)} cannot be run: ${problem}`);
  return program;
}

function problemOf(program: string): string | null {
  try {
    if (!statSync(program).isFile())
      return 'it is no file; give the path of one program, without arguments: a script may have them';
    accessSync(program, constants.X_OK);
    const intruder = intruderIn(program);
    return intruder === null
      ? null
      : `of ${intruder.path}: ${intruder.reason}, who could run something else as you; move it, or chmod go-w`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') return 'it may not be executed: chmod u+x';
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return 'there is no such file; give the path of one program, without arguments: PATH is not searched, and a script may have them';
    return redact(messageOf(error));
  }
}

/** @returns runs the program for one document; rejects with a message for people where it fails, or does not end in time */
export function programRun(program: string, runMs: number = RUN_MS): Delivery {
  return async (document, { signal }) => {
    if (signal.aborted) throw new Error('the process ended before its turn');
    // Another user may have written it since.
    const problem = problemOf(program);
    if (problem !== null) throw new Error(`it cannot be run any more: ${problem}`);
    const child = spawn(program, [], {
      // Of the standard output nothing is wanted: ours may be a JSON document.
      stdio: ['pipe', 'ignore', 'pipe'],
      env: environmentOf(document),
      // So that Ctrl-C does not reach it, and that what it has started ends with it.
      detached: true,
    });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (complaint.length < LONGEST_ERROR) complaint = (complaint + text).slice(0, LONGEST_ERROR);
    });
    // A program need not read what it is told.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${document.body}\n`);
    const ended = await endOf(child, AbortSignal.any([signal, AbortSignal.timeout(runMs)]));
    child.stderr.destroy();
    const said = oneLine(redact(complaint));
    if (ended !== null) throw new Error(said === '' ? ended : `${ended}: ${said}`);
  };
}

/** @returns why it did not end well; null where it did */
function endOf(child: ChildProcess, limit: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    let inTime = true;
    const onLimit = (): void => {
      inTime = false;
      killGroup(child);
    };
    if (limit.aborted) onLimit();
    limit.addEventListener('abort', onLimit, { once: true });
    const end = (problem: string | null): void => {
      limit.removeEventListener('abort', onLimit);
      resolve(inTime ? problem : 'it did not end in time, and was killed');
    };
    child.once('error', (error: NodeJS.ErrnoException) => end(`it could not be started (${error.code ?? error.name})`));
    child.once('exit', (code, by) => end(code === 0 ? null : `it ended with ${by ?? `exit code ${code}`}`));
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function environmentOf({ milestone: { type, data } }: Document): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => KEPT.test(name.toUpperCase()));
  return {
    ...Object.fromEntries(kept),
    P2PFK_EVENT: type,
    P2PFK_SEVERITY: data.severity,
    P2PFK_TABLE: withheld(data.table),
    P2PFK_MIGRATION_ID: data.migrationId ?? '',
    P2PFK_EXECUTION_ARN: withheld(data.executionArn),
  };
}
