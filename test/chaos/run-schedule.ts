/** One schedule from a new database to the checks at its end. */
import { setTimeout as delay } from 'node:timers/promises';
import { deliverLate } from './faults/delivery.ts';
import { Injector } from './faults/injector.ts';
import { type Scene, withSession } from './faults/scene.ts';
import { SHAPES, TABLE } from './harness/case.ts';
import { reconcileUntilDone } from './harness/reconcile.ts';
import { type Ending, Runner } from './harness/runner.ts';
import type { Reference } from './harness/templates.ts';
import { type FunctionFault, has, type Kind, type Run, type Schedule } from './schedule.ts';
import { makeSetting, type Setting, type World } from './setting.ts';
import { checkAtRest, checkUntouched } from './watch/at-rest.ts';
import { checkDbaPairs } from './watch/dba-pairs.ts';
import { Journal } from './watch/journal.ts';
import { Observer } from './watch/observer.ts';
import { StandbyReaders } from './watch/standby-readers.ts';
import { judgeExecution } from './watch/verdict.ts';
import { Workload } from './watch/workload.ts';

export interface ScheduleResult {
  readonly journal: Journal;
  readonly looks: number;
  readonly commits: number;
  readonly refusals: number;
  readonly longestHoldUpMs: number;
  /** Of a statement on the standby; 0 where there was none. */
  readonly longestStandbyReadMs: number;
  readonly milliseconds: number;
}

/** Kinds that shut the server down, or leave it without a slot for a new session. */
const RESTARTS: readonly Kind[] = ['restart', 'crash', 'read-only', 'no-connections'];

const WRITERS = 2;
const PACE_MS = 25;
/** A disturbed execution: its retries are ten times faster than in production. */
const RUN_TIMEOUT_MS = 180_000;
/** So often an execution in peace may find its locks in use in all of its 40 tries, which here are over in half a minute. */
const MOST_PAUSES = 4;

export async function runSchedule(world: World, schedule: Schedule): Promise<ScheduleResult> {
  const reference = await world.templates.reference(schedule.shape);
  const stage = await Stage.set(world, schedule, reference);
  try {
    return await stage.play();
  } finally {
    await stage.clear();
  }
}

class Stage {
  readonly #world: World;
  readonly #schedule: Schedule;
  readonly #reference: Reference;
  readonly #setting: Setting;
  readonly #journal = new Journal();
  readonly #background = new Set<Promise<unknown>>();
  #runner: Runner;
  #input: Readonly<Record<string, unknown>> = {};
  #standbyReaders: StandbyReaders | null = null;

  private constructor(world: World, schedule: Schedule, reference: Reference, setting: Setting, runner: Runner) {
    this.#world = world;
    this.#schedule = schedule;
    this.#reference = reference;
    this.#setting = setting;
    this.#runner = runner;
    this.#runner.watch((report) => this.#journal.told(report));
  }

  static async set(world: World, schedule: Schedule, reference: Reference): Promise<Stage> {
    const setting = await makeSetting(world, schedule);
    return new Stage(world, schedule, reference, setting, await Runner.start(setting.frozen));
  }

  async play(): Promise<ScheduleResult> {
    const { server } = this.#world;
    const { workload: seed, lockTimeoutMs } = this.#schedule;
    const shape = SHAPES[this.#schedule.shape];
    const url = server.ownUrl(this.#setting.database);
    const up = () => server.up();
    const observer = new Observer({ url, oids: this.#setting.oids, lockTimeoutMs, up });
    const workload = new Workload({
      url,
      shape,
      seed,
      writers: WRITERS,
      paceMs: PACE_MS,
      up,
      restarts: RESTARTS.some((kind) => has(this.#schedule, kind)),
      readOnly: has(this.#schedule, 'read-only'),
      diskFull: has(this.#schedule, 'disk-full'),
    });
    if (this.#setting.standbyPort !== null)
      this.#standbyReaders = new StandbyReaders({
        url: server.ownUrl(this.#setting.database, this.#setting.standbyPort),
        shape,
        lockTimeoutMs,
        restarts: RESTARTS.some((kind) => has(this.#schedule, kind)),
      });
    try {
      for (const run of this.#schedule.runs) await this.#disturbed(run);
      await this.#toTheEnd();
      if (await this.#deliverLate()) await this.#toTheEnd();
    } finally {
      await workload.stop();
      await observer.stop();
      await this.#standbyReaders?.stop();
    }
    await this.#runner.kill();
    this.#journal.violations.push(
      ...observer.violations,
      ...workload.violations,
      ...(this.#standbyReaders?.violations ?? []),
    );
    await withSession({ url, server }, 'checker', async (client) => {
      this.#journal.violations.push(
        ...(await checkAtRest(client, this.#wanted, workload.shares)),
        ...(await checkDbaPairs(
          client,
          this.#setting.dbaPairs,
          this.#schedule.end,
          server.url(this.#setting.database),
        )),
      );
      return true;
    }).then((checked) => checked ?? this.#journal.violations.push('suite: the checks at the end could not be made'));
    return {
      journal: this.#journal,
      looks: observer.looks,
      commits: workload.commits,
      refusals: workload.refusals,
      longestHoldUpMs: observer.longestHoldUpMs,
      longestStandbyReadMs: this.#standbyReaders?.longestReadMs ?? 0,
      milliseconds: this.#journal.milliseconds,
    };
  }

  async clear(): Promise<void> {
    this.#setting.proxy.listen(null);
    await this.#runner.kill();
    await this.#setting.proxy.stop();
    await this.#world.server.up();
    await this.#world.templates.drop(this.#setting.database, async (admin) => this.#setting.tablespace?.drop(admin));
  }

  /** The catalog as it has to be at the end. */
  get #wanted(): string {
    return this.#schedule.end === 'migrated' ? this.#reference.migrated : this.#reference.original;
  }

  /** One execution with its faults. */
  async #disturbed({ operation, faults }: Run): Promise<void> {
    const { lockTimeoutMs, maxConcurrency, allowanceMs } = this.#schedule;
    const window = faults.find((fault) => fault.kind === 'window');
    const deadline = window === undefined ? {} : { deadline: new Date(Date.now() + window.afterMs).toISOString() };
    this.#input = { table: TABLE, operation, lockTimeoutMs, maxConcurrency, ...deadline };
    const fullDisk = faults.some((fault) => fault.kind === 'disk-full');
    const injector = new Injector(this.#scene(), faults, this.#reference.statements[operation]);
    this.#setting.proxy.listen(injector);
    const since = this.#journal.mark();
    const failing = faults.filter((fault): fault is FunctionFault => 'functionName' in fault);
    const ending = await this.#execute(this.#input, allowanceMs, failing);
    await injector.disarm();
    this.#setting.proxy.listen(null);
    await this.#world.server.up();

    judgeExecution(this.#journal, { operation, ending, fullDisk, since });
    if (this.#schedule.reconcile) await this.#reconcile(ending);
  }

  /** After an execution that ended without a last word: what reconcile says has to be what stands. */
  async #reconcile(ending: Ending): Promise<void> {
    const { event } = this.#journal.invocations.at(-1) ?? {};
    const execution = (event as { execution?: string } | undefined)?.execution;
    if (execution === undefined || !['KILLED', 'ABORTED', 'FAILED'].includes(ending.status)) return;
    const { server } = this.#world;
    const url = server.ownUrl(this.#setting.database);
    // By the way that the execution took: the ledger does not know another endpoint.
    const proxied = server.url(this.#setting.database, this.#setting.proxy.port);
    const { status, outcome } = await reconcileUntilDone(this.#setting.frozen, proxied, execution);
    this.#journal.note(`reconcile: ${outcome}`);
    this.#journal.endings.push(`reconciled ${status ?? 'FAILED'}`);
    if (status === 'PAUSED' || status === 'NOTHING_TO_DO') return;
    if (status !== 'ROLLED_BACK' && status !== 'MIGRATED')
      return this.#journal.violated(`I3: reconcile came to no end: ${outcome}`);
    const wanted = status === 'MIGRATED' ? this.#reference.migrated : this.#reference.original;
    await withSession({ url, server }, 'checker', async (client) => {
      for (const violation of await checkUntouched(client, wanted))
        this.#journal.violated(`after reconcile, ${status}: ${violation}`);
    });
  }

  /** Undisturbed executions until all is migrated, or as it was. */
  async #toTheEnd(): Promise<void> {
    const { end, lockTimeoutMs, maxConcurrency } = this.#schedule;
    const operation = end === 'migrated' ? 'migrate' : 'rollback';
    const wanted = end === 'migrated' ? ['MIGRATED', 'ALREADY_MIGRATED'] : ['ROLLED_BACK', 'NOTHING_TO_ROLL_BACK'];
    const input = { table: TABLE, operation, lockTimeoutMs, maxConcurrency };
    let finishedRollbacks = 0;
    let pauses = 0;
    const patience = performance.now() + 20_000;
    for (;;) {
      const ending = await this.#execute(input, 0);
      if (wanted.includes(ending.status)) return;
      // What an execution left half rolled back is first brought to its end.
      if (ending.status === 'ROLLED_BACK' && finishedRollbacks++ === 0) continue;
      // The machine is so busy, or the application so lucky, that no try fitted into the lock budget: nothing is lost.
      if (ending.status === 'PAUSED' && pauses++ < MOST_PAUSES) continue;
      // A backend that believes its client to be alive, or a handler still in flight.
      if (ending.error === 'MigrationInProgress' && performance.now() < patience) await delay(300);
      else
        return this.#journal.violated(
          `I4: an undisturbed ${operation} ended ${ending.status} ${ending.error} ${ending.message}`,
        );
    }
  }

  /**
   * After the end of everything: nothing may change but the ledger, in which a plan that comes late opens a migration that
   * nobody goes on with. The next execution then finds its way.
   */
  async #deliverLate(): Promise<boolean> {
    const faults = this.#schedule.runs.flatMap((run) => run.faults);
    if (!has(this.#schedule, 'late')) return false;
    // Strikes are counted where they come in between.
    const scene = { ...this.#scene(), struck: () => undefined };
    for (const fault of faults) if (fault.kind === 'late') await deliverLate(scene, fault);
    const { server } = this.#world;
    await withSession({ url: server.ownUrl(this.#setting.database), server }, 'checker', async (client) => {
      const found = await checkUntouched(client, this.#wanted);
      for (const violation of found) this.#journal.violated(`after a late delivery: ${violation}`);
    });
    return true;
  }

  async #execute(
    input: Readonly<Record<string, unknown>>,
    allowanceMs: number,
    failing: readonly FunctionFault[] = [],
  ): Promise<Ending> {
    if (!this.#runner.alive || this.#runner.isEnding) {
      // What still runs in a process that was interrupted ends by itself, beside its successor.
      this.#runner = await Runner.start(this.#setting.frozen);
      this.#runner.watch((report) => this.#journal.told(report));
    }
    this.#journal.note(`execution: ${JSON.stringify(input)}`);
    const databaseUrl = this.#world.server.url(this.#setting.database, this.#setting.proxy.port);
    const ending = await this.#runner.run({
      databaseUrl,
      input,
      timeoutMs: RUN_TIMEOUT_MS,
      failing,
      ...(allowanceMs > 0 ? { allowanceMs } : {}),
    });
    this.#journal.ended(ending);
    if (ending.status === 'HUNG') {
      this.#journal.violated(`an execution hung: ${ending.message}`);
      await this.#runner.kill();
    }
    if (this.#runner.accident) this.#journal.violated(this.#runner.accident);
    return ending;
  }

  #scene(): Scene {
    const { server } = this.#world;
    const standbyReaders = this.#standbyReaders;
    return {
      server,
      frozen: this.#setting.frozen,
      standby:
        this.#setting.standbyPort === null
          ? null
          : {
              url: server.ownUrl(this.#setting.database, this.#setting.standbyPort),
              waitedFor: (pid) => standbyReaders?.waitedFor.has(pid) ?? false,
            },
      proxy: this.#setting.proxy,
      shape: SHAPES[this.#schedule.shape],
      oids: this.#setting.oids,
      dbaPairs: this.#setting.dbaPairs,
      url: server.ownUrl(this.#setting.database),
      proxiedUrl: server.url(this.#setting.database, this.#setting.proxy.port),
      runner: () => this.#runner,
      input: () => this.#input,
      invocations: this.#journal.invocations,
      failures: this.#journal.failures,
      struck: (kind) => this.#journal.strikes.push(kind),
      violated: (what) => this.#journal.violated(what),
      note: (text) => this.#journal.note(text),
      background: (work) => {
        const settled = work.catch((error: unknown) => this.#journal.violated(`suite: ${String(error)}`));
        this.#background.add(settled);
        void settled.finally(() => this.#background.delete(settled));
      },
      settled: async () => {
        while (this.#background.size > 0) await Promise.allSettled(this.#background);
      },
      fillDisk: async (durationMs) => {
        this.#setting.tablespace?.fill();
        await delay(durationMs);
        this.#setting.tablespace?.free();
      },
    };
  }
}
