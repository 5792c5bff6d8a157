/** How long the server was busy for somebody, by its own log. */

/** For the setting log_line_prefix: seconds since the epoch, the session's application_name, and its process. */
export const LOG_LINE_PREFIX = '%n|%a|%p|';

export interface Busy {
  /** application_name of the session. */
  readonly application: string;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

const LINE = /^(\d+\.\d+)\|([^|]*)\|(\d+)\|(?:LOG: {2}duration: (\d+(?:\.\d+)?) ms|(ERROR): )/;

/**
 * Lines of log_duration: each statement, its parse and bind apart, written at its end. Of a statement that failed
 * PostgreSQL tells no duration (such as a probe that its timeout cut), so it counts from the session's last line.
 */
export function statementsIn(log: string): Busy[] {
  const lastLine = new Map<string, number>();
  return log.split('\n').flatMap((line) => {
    const [, at, application = '', process = '', milliseconds, failed] = LINE.exec(line) ?? [];
    if (at === undefined) return [];
    const to = Number(at) * 1_000;
    const from = failed ? (lastLine.get(process) ?? to) : to - Number(milliseconds);
    lastLine.set(process, to);
    return [{ application, from, to }];
  });
}

/** Milliseconds in which at least one statement of such a session ran: what runs side by side counts once. */
export function busyMilliseconds(log: string, isOurs: (application: string) => boolean): number {
  const ours = statementsIn(log)
    .filter(({ application }) => isOurs(application))
    .sort((a, b) => a.from - b.from);
  let busy = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const { from, to } of ours) {
    busy += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return busy;
}
