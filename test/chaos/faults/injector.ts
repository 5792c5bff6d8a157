/** Lets the faults of one execution strike when their time has come. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProxiedConnection, Statement, StatementListener } from '../harness/proxied-connection.ts';
import { describeFault, type Fault, type Lengthy, type Trigger } from '../schedule.ts';
import { Person } from './backend.ts';
import { takeConnections } from './connections.ts';
import { changePartitions } from './dba.ts';
import { deliverAgain, deliverLate } from './delivery.ts';
import { deadlock, holdLock, relationsToDeadlock } from './locks.ts';
import { closeHalf, cutConnection, delayNetwork, loseConnection, outage } from './network.ts';
import { killRunner, startRival, stopExecution } from './process.ts';
import { demote } from './read-only.ts';
import { openReport } from './report.ts';
import type { Place, Scene } from './scene.ts';
import { plantSetting } from './settings.ts';

type Triggered = Extract<Fault, { trigger: Trigger }>;
type AtStatement = Extract<Trigger, { at: 'statement' }>;

interface Armed {
  readonly fault: Triggered;
  readonly trigger: AtStatement;
  /** Statements of its step that are still to pass. */
  left: number;
}

/** The n-th statement of a sort is still to come. */
interface Awaited {
  readonly during: Lengthy;
  left: number;
}

const LENGTHY: Readonly<Record<Lengthy, { readonly step: RegExp; readonly sql: RegExp }>> = {
  'create-index': { step: /build-index$/i, sql: /CREATE INDEX CONCURRENTLY/ },
  validate: { step: /^run\//, sql: /VALIDATE CONSTRAINT/ },
  attach: { step: /^attach-parent$/, sql: /^ALTER TABLE .* ADD CONSTRAINT .* FOREIGN KEY/s },
};

/** Where no reference has counted the statements of a step. */
const UNKNOWN_STEP = 10;

export class Injector implements StatementListener {
  readonly #scene: Scene;
  readonly #armed: Armed[] = [];
  readonly #deadlocks: { left: number }[] = [];
  readonly #halfOpen: Awaited[] = [];
  /** Asked at the end: whether a fault has struck meanwhile. */
  readonly #verdicts: (() => void)[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #person: Person | null;
  /** How long there is to be no space, in milliseconds; null: the disk is not to be full, or no longer. */
  #fullDiskMs: number | null;
  /** Struck, and the statement of that connection is to be held until it is done. */
  readonly #after = new Map<Statement, Armed[]>();

  /** @param statements step -> statements that it makes in an undisturbed execution */
  constructor(scene: Scene, faults: readonly Fault[], statements: ReadonlyMap<string, number>) {
    this.#scene = scene;
    const needsPerson = faults.some(({ kind }) => kind === 'terminate' || kind === 'cancel');
    this.#person = needsPerson ? new Person(scene) : null;
    this.#fullDiskMs = faults.find((fault) => fault.kind === 'disk-full')?.durationMs ?? null;
    for (const fault of faults) {
      if (fault.kind === 'deadlock') this.#deadlocks.push({ left: fault.nth });
      if (fault.kind === 'half-open') this.#halfOpen.push({ during: fault.during, left: fault.nth });
      if (!('trigger' in fault)) continue;
      const { trigger } = fault;
      if (trigger.at === 'time') {
        this.#timers.push(setTimeout(() => scene.background(this.#strike(fault, null)), trigger.ms));
      } else {
        const count = statements.get(trigger.step) ?? UNKNOWN_STEP;
        this.#armed.push({ fault, trigger, left: Math.floor(trigger.position * count) });
      }
    }
  }

  /** Whatever has not struck by now never will. */
  async disarm(): Promise<void> {
    this.#armed.length = 0;
    this.#deadlocks.length = 0;
    this.#halfOpen.length = 0;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#scene.settled();
    for (const judge of this.#verdicts) judge();
    await this.#person?.leave();
  }

  async before(connection: ProxiedConnection, statement: Statement): Promise<void> {
    await this.#deadlock(connection, statement);
    if (this.#fullDiskMs !== null && connection.step === 'build-index') {
      // Only now: the ledger's own tables were to have their place.
      this.#scene.background(this.#scene.fillDisk(this.#fullDiskMs));
      this.#fullDiskMs = null;
    }
    const due = this.#due(connection);
    const after = due.filter(({ trigger }) => trigger.phase === 'after');
    if (after.length > 0) this.#after.set(statement, after);
    for (const { fault, trigger } of due) if (trigger.phase === 'before') await this.#strikeAt(fault, connection);
  }

  async after(connection: ProxiedConnection, statement: Statement): Promise<void> {
    for (const { fault, trigger } of this.#after.get(statement) ?? []) {
      if (trigger.afterMs > 0) await delay(trigger.afterMs);
      await this.#strikeAt(fault, connection);
    }
    this.#after.delete(statement);
    this.#loseConnection(connection, statement);
  }

  /** It was sent, and its answer is not back. */
  #loseConnection(connection: ProxiedConnection, { sql }: Statement): void {
    for (const armed of [...this.#halfOpen]) {
      const { step, sql: pattern } = LENGTHY[armed.during];
      if (!step.test(connection.step) || !pattern.test(sql)) continue;
      if (armed.left-- > 0) continue;
      this.#halfOpen.splice(this.#halfOpen.indexOf(armed), 1);
      loseConnection(this.#scene, connection);
    }
  }

  #due({ step }: ProxiedConnection): Armed[] {
    const due: Armed[] = [];
    for (const armed of [...this.#armed]) {
      if (armed.trigger.step !== step) continue;
      if (armed.left > 0) armed.left -= 1;
      else {
        due.push(armed);
        this.#armed.splice(this.#armed.indexOf(armed), 1);
      }
    }
    return due;
  }

  async #deadlock(connection: ProxiedConnection, { sql }: Statement): Promise<void> {
    const relations = this.#deadlocks.length > 0 ? relationsToDeadlock(sql) : null;
    if (relations === null) return;
    for (const armed of [...this.#deadlocks]) {
      if (armed.left > 0) armed.left -= 1;
      else {
        this.#deadlocks.splice(this.#deadlocks.indexOf(armed), 1);
        await deadlock(this.#scene, connection, relations);
      }
    }
  }

  /**
   * The statement waits for the strike, and so does the verdict: who was struck may tell it, and the execution end, before the answer to who
   * strikes is here.
   */
  async #strikeAt(fault: Triggered, connection: ProxiedConnection): Promise<void> {
    const striking = this.#strike(fault, connection);
    this.#scene.background(striking);
    await striking;
  }

  /** Never rejects: what goes wrong here is a defect of the suite, and told as one. */
  async #strike(fault: Triggered, place: Place): Promise<void> {
    try {
      this.#scene.note(`${describeFault(fault)} strikes${place === null ? '' : ` at ${place.application}`}`);
      await this.#do(fault, place);
    } catch (error) {
      this.#scene.violated(`suite: ${fault.kind}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  async #do(fault: Triggered, place: Place): Promise<void> {
    const scene = this.#scene;
    switch (fault.kind) {
      case 'kill':
        return killRunner(scene);
      case 'stop':
        return stopExecution(scene);
      case 'rival':
        return startRival(scene);
      case 'terminate':
        return this.#person?.terminate(place);
      case 'cancel':
        return this.#person?.cancel(place);
      case 'restart':
      case 'crash':
        await scene.server.restart(fault.kind === 'crash' ? 'immediate' : 'fast');
        return scene.struck(fault.kind);
      case 'cut':
        return cutConnection(scene, fault, place);
      case 'delay':
        return delayNetwork(scene, fault);
      case 'half-close':
        return closeHalf(scene, fault, place);
      case 'outage':
        return outage(scene, fault);
      case 'standby':
        return openReport(scene, fault);
      case 'read-only':
        return demote(scene, fault);
      case 'no-connections':
        return takeConnections(scene, fault);
      case 'pairs':
        return changePartitions(scene, fault);
      case 'settings': {
        const struck = await plantSetting(scene, fault);
        this.#verdicts.push(() => struck() && scene.struck('settings'));
        return;
      }
      case 'lock':
        return holdLock(scene, fault);
      case 'duplicate':
        return deliverAgain(scene, fault);
      case 'late':
        scene.background(deliverLate(scene, fault));
        return;
    }
  }
}
