/** What is remembered of a schedule: what struck, what was told, what must not have been. */
import type { Failure } from '../faults/scene.ts';
import type { Invocation, Report } from '../harness/protocol.ts';
import type { Ending } from '../harness/runner.ts';
import type { Kind } from '../schedule.ts';

/** How much there was at a moment. */
export interface Mark {
  readonly strikes: number;
  readonly failures: number;
  readonly states: number;
}

export class Journal {
  readonly violations: string[] = [];
  /** Faults that really struck. */
  readonly strikes: Kind[] = [];
  /** One line each, for whoever looks for a cause. */
  readonly timeline: string[] = [];
  readonly endings: string[] = [];
  readonly failures: Failure[] = [];
  /** Every state that an execution entered. */
  readonly states: string[] = [];
  /** Every call of a handler, oldest first. */
  readonly invocations: Invocation[] = [];
  readonly #beganAt = performance.now();

  get milliseconds(): number {
    return performance.now() - this.#beganAt;
  }

  mark(): Mark {
    return { strikes: this.strikes.length, failures: this.failures.length, states: this.states.length };
  }

  note(text: string): void {
    this.timeline.push(`${(this.milliseconds / 1000).toFixed(3).padStart(8)} s  ${text}`);
  }

  violated(what: string): void {
    this.note(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  ended({ status, error, message }: Ending): void {
    this.note(`ended: ${status} ${error} ${message.slice(0, 500)}`);
    this.endings.push(error === '' ? status : `${status} ${error}`);
  }

  /** What the process that runs the handlers tells. */
  told(report: Report): void {
    if (report.type === 'invoked') this.invocations.push(report.invocation);
    if (report.type === 'entered') {
      this.states.push(report.state);
      this.note(`state ${report.state}`);
    }
    if (report.type === 'held-back') this.note(`held back: ${report.state}: ${report.message.slice(0, 300)}`);
    if (report.type === 'function-failed') {
      this.strikes.push(report.kind);
      this.note(`${report.kind}: ${report.functionName} failed as often as it was to`);
    }
    if (report.type !== 'failed') return;
    this.failures.push({ ...report, at: performance.now() });
    this.note(`failed: ${report.state} ${report.error}: ${report.message.slice(0, 300)}`);
  }
}
