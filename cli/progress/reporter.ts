/** Binds the pure progress to a stream: plain lines, and on a terminal a live area below them. */
import type { Output } from '../output.ts';
import type { ProgressEvent } from './events.ts';
import { liveFrame } from './live.ts';
import { advance } from './progress.ts';
import { NOTHING_YET, type Progress } from './state.ts';

const FRAME_MS = 120;

export interface ProgressReporter {
  /** What is known so far. */
  readonly progress: Progress;
  /** May be passed on without its object. */
  readonly onEvent: (event: ProgressEvent) => void;
  /** A line of our own above the live area, even with `--quiet`. */
  announce(line: string): void;
  /** The same on stderr: a warning. */
  complain(line: string): void;
  /** Takes the live area away. Nothing is drawn after it. */
  stop(): void;
}

interface LiveArea {
  draw(lines: readonly string[]): void;
  clear(): void;
  close(): void;
}

export interface ReporterOptions {
  readonly output: Output;
  /** Log lines on stderr would tear a live area apart. */
  readonly verbose?: boolean | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export async function createReporter({ output, verbose, now = Date.now }: ReporterOptions): Promise<ProgressReporter> {
  const wanted = output.stream.isTTY === true && !output.quiet && verbose !== true;
  const live = wanted ? await openLiveArea(output) : null;
  let progress = NOTHING_YET;
  let stopped = false;

  const draw = (): void => {
    if (stopped) return;
    live?.draw(
      liveFrame(progress, now(), output.stream.columns ?? 80).map((line) => output.style('dim', output.decorate(line))),
    );
  };
  const print = (lines: readonly string[]): void => {
    if (lines.length === 0) return;
    live?.clear();
    for (const line of lines) output.line(line);
  };

  const ticker = live === null ? null : setInterval(draw, FRAME_MS);
  // A terminal that is closed under us must not keep the migration from going on, nor the process from ending.
  ticker?.unref();
  if (live !== null) output.stream.on('resize', draw);

  return {
    get progress() {
      return progress;
    },
    onEvent(event) {
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
      if (live !== null) output.stream.off('resize', draw);
      live?.close();
    },
  };
}

/** log-update, loaded only where there is a terminal to draw on. */
async function openLiveArea(output: Output): Promise<LiveArea> {
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(output.stream);
  let drawn = false;
  const clear = (): void => {
    if (drawn) update.clear();
    drawn = false;
  };
  return {
    clear,
    draw(lines) {
      if (lines.length === 0) return clear();
      update(lines.join('\n'));
      drawn = true;
    },
    close() {
      clear();
      update.done();
    },
  };
}
