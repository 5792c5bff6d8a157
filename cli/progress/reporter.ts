/** Binds the pure progress to a stream: plain lines, and on a terminal a live area below them. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { STANDBY_SLOW } from '../../core/ledger/standby-commit.ts';
import { SESSION_OPENED } from '../../core/postgres/libpq/keywords.ts';
import { SERVER_SILENT, type Silence } from '../../core/postgres/session/unanswered.ts';
import type { Output } from '../output.ts';
import { lineOf, type ProgressEvent } from './events.ts';
import { liveFrame, noAnswer } from './live.ts';
import { openLiveArea } from './live-area.ts';
import { advance } from './progress.ts';
import { NOTHING_YET, type PairSize, type Progress } from './state.ts';

const FRAME_MS = 120;

export interface ProgressReporter {
  /** What is known so far. */
  readonly progress: Progress;
  /** Whether there is a live area, for which the sizes of the pairs are worth a look into the ledger. */
  readonly live: boolean;
  /** Sizes of the pairs by their numbers, where there is a ledger to know them from. */
  weigh(sizes: ReadonlyMap<number, PairSize>): void;
  /** The execution has been started, or found. */
  began(executionArn: string): void;
  /** May be passed on without its object. */
  readonly onEvent: (event: ProgressEvent) => void;
  /** A line of our own above the live area, even with `--quiet`. */
  announce(line: string): void;
  /** The same on stderr: a warning. */
  complain(line: string): void;
  /** Takes the live area away. Nothing is drawn after it. */
  stop(): void;
}

export interface ReporterOptions {
  readonly output: Output;
  /** Log lines on stderr would tear a live area apart. */
  readonly verbose?: boolean | undefined;
  /** What commands to copy have behind `--table T`; see samePlace. */
  readonly place?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export async function createReporter({
  output,
  verbose,
  place = '',
  now = Date.now,
}: ReporterOptions): Promise<ProgressReporter> {
  const wanted = output.stream.isTTY === true && !output.quiet && verbose !== true;
  const live = wanted ? await openLiveArea(output.stream) : null;
  let progress: Progress = { ...NOTHING_YET, place };
  let stopped = false;

  const draw = (): void => {
    if (stopped || live === null) return;
    live.draw(liveFrame(progress, now(), live.size()).map((line) => styled(output, line)));
  };
  const print = (lines: readonly string[]): void => {
    if (lines.length === 0) return;
    live?.clear();
    for (const line of lines) output.line(line);
  };

  const onSilence = (message: unknown): void => {
    const silence = message as Silence | null;
    const news = progress.silentSince === null;
    progress = { ...progress, silentSince: silence === null ? null : now() - silence.ms };
    // The live area counts on; elsewhere one line tells that it began.
    if (silence !== null && news && live === null && !output.quiet) output.complain(`! ${noAnswer(silence.ms)}`);
  };
  const onSession = (): void => onSilence(null);
  subscribe(SERVER_SILENT, onSilence);
  subscribe(SESSION_OPENED, onSession);
  const onStandby = (message: unknown): void => {
    if (output.quiet) return;
    live?.clear();
    output.complain(`! ${String(message)}`);
    draw();
  };
  subscribe(STANDBY_SLOW, onStandby);

  const ticker = live === null ? null : setInterval(draw, FRAME_MS);
  // A terminal that is closed under us must not keep the migration from going on, nor the process from ending.
  ticker?.unref();
  if (live !== null) output.stream.on('resize', draw);

  return {
    get progress() {
      return progress;
    },
    live: live !== null,
    weigh(sizes) {
      progress = { ...progress, sizes };
    },
    began(executionArn) {
      output.event({ type: 'ExecutionStarted', at: new Date(now()).toISOString(), executionArn });
    },
    onEvent(event) {
      output.event(lineOf(event));
      const advanced = advance(progress, event);
      progress = advanced.progress;
      if (output.quiet || advanced.lines.length === 0) return;
      print(advanced.lines);
      // Printing has cleared the live area. Everything else is shown with the next frame.
      draw();
    },
    complain(line) {
      live?.clear();
      output.complain(line);
      draw();
    },
    announce(line) {
      print([line]);
      draw();
    },
    stop() {
      if (stopped) return;
      stopped = true;
      if (ticker !== null) clearInterval(ticker);
      unsubscribe(SERVER_SILENT, onSilence);
      unsubscribe(SESSION_OPENED, onSession);
      unsubscribe(STANDBY_SLOW, onStandby);
      if (live !== null) output.stream.off('resize', draw);
      live?.close();
    },
  };
}

/** What runs stands out from what is done and what comes. */
function styled(output: Output, line: string): string {
  const text = output.decorate(line);
  return /^ {2}▸|^ {6}/.test(line) ? text : output.style('dim', text);
}
