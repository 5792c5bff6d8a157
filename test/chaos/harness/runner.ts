/** The process that runs the handlers, from outside: started, told what to do, watched, killed. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Frozen } from './bundle.ts';
import type { Command, Invocation, Report } from './protocol.ts';

/** How an execution ended, in one word and one line. */
export interface Ending {
  /**
   * `output.status` of an execution that succeeded; else `FAILED`, `ABORTED`; `KILLED` when its process was gone before
   * its end; `NOT_BEGUN` when there was no database to begin with; `HUNG` when it did not end in time.
   */
  readonly status: string;
  readonly error: string;
  readonly message: string;
}

export type RunOptions = Omit<Extract<Command, { type: 'run' }>, 'type' | 'definition'> & {
  readonly timeoutMs: number;
};

export type Watcher = (report: Report) => void;

/** Whoever runs handlers must be able to load all of its modules within that time on a busy machine. */
const START_TIMEOUT_MS = 60_000;

export class Runner {
  readonly #process: ChildProcess;
  readonly #definition: string;
  readonly #watchers = new Set<Watcher>();
  readonly #stderr: string[] = [];
  #deliveries = 0;
  /** We ended it; otherwise its end is its own doing. */
  #ended = false;

  private constructor(frozen: Frozen) {
    this.#definition = frozen.definition;
    this.#process = fork(frozen.child, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      env: {
        PATH: process.env.PATH ?? '',
        NODE_COMPILE_CACHE: `${frozen.child}.cache`,
        ...(frozen.readers === undefined ? {} : { P2PFK_READERS: frozen.readers }),
      },
    });
    this.#process.on('message', (report: Report) => {
      for (const watch of [...this.#watchers]) watch(report);
    });
    this.#process.on('error', () => undefined);
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => this.#stderr.push(text));
  }

  static async start(frozen: Frozen): Promise<Runner> {
    const runner = new Runner(frozen);
    await runner.#next((report) => report.type === 'ready', START_TIMEOUT_MS);
    return runner;
  }

  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** It was interrupted or killed: it runs nothing any more, however its execution ended. */
  get isEnding(): boolean {
    return this.#ended;
  }

  /** Why the process ended although nobody ended it; undefined while all is well. */
  get accident(): string | undefined {
    if (this.alive || this.#ended) return undefined;
    const how = this.#process.signalCode ?? `exit code ${this.#process.exitCode}`;
    return `the process that runs the handlers ended by itself (${how}): ${this.#stderr.join('').slice(0, 2_000)}`;
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** One execution, to its end or to the end of the process. */
  async run({ timeoutMs, ...options }: RunOptions): Promise<Ending> {
    const ended = this.#next((report) => report.type === 'ended' || report.type === 'not-begun', timeoutMs);
    this.#send({ type: 'run', definition: this.#definition, ...options });
    const report = await ended;
    if (report === 'gone') return { status: 'KILLED', error: '', message: '' };
    if (report === 'late') return { status: 'HUNG', error: '', message: `no end within ${timeoutMs / 1000} s` };
    if (report.type === 'not-begun') return { status: 'NOT_BEGUN', error: report.error, message: report.message };
    if (report.type !== 'ended') throw new Error(`unexpected report ${report.type}`);
    const { outcome } = report;
    if (outcome.status === 'ABORTED') return { status: 'ABORTED', error: '', message: '' };
    if (outcome.status === 'FAILED') return { status: 'FAILED', error: outcome.error, message: outcome.cause };
    const { status } = outcome.output as { status?: string };
    return { status: status ?? 'SUCCEEDED', error: '', message: '' };
  }

  /** Calls a handler outside of any execution. Resolves to its result or error as text; undefined if the process died. */
  async deliver(databaseUrl: string, invocation: Invocation, timeoutMs = 60_000): Promise<string | undefined> {
    this.#deliveries += 1;
    const id = this.#deliveries;
    const delivered = this.#next((report) => report.type === 'delivered' && report.id === id, timeoutMs);
    this.#send({ type: 'deliver', id, databaseUrl, invocation });
    const report = await delivered;
    if (report === 'late') return `no answer within ${timeoutMs / 1000} s`;
    return report === 'gone' || report.type !== 'delivered' ? undefined : report.outcome;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<boolean> {
    if (!this.alive) return false;
    this.#ended = true;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
    return true;
  }

  /** Ctrl-C. The process ends when the handlers in flight have. */
  interrupt(): boolean {
    if (!this.alive) return false;
    this.#ended = true;
    return this.#process.kill('SIGINT');
  }

  #send(command: Command): void {
    if (this.#process.connected) this.#process.send(command, () => undefined);
  }

  /** The next report that fits; `gone` when the process ends first, `late` after `timeoutMs`. */
  #next(fits: (report: Report) => boolean, timeoutMs: number): Promise<Report | 'gone' | 'late'> {
    return new Promise((resolve) => {
      const settle = (result: Report | 'gone' | 'late') => {
        clearTimeout(timer);
        stopWatching();
        this.#process.off('exit', gone);
        resolve(result);
      };
      const gone = () => settle('gone');
      const timer = setTimeout(() => settle('late'), timeoutMs);
      const stopWatching = this.watch((report) => {
        if (fits(report)) settle(report);
      });
      if (this.alive) this.#process.once('exit', gone);
      else settle('gone');
    });
  }
}
