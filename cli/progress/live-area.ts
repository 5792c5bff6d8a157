/**
 * The live area on a real terminal: log-update, loaded only where there is one to draw on. Version 6, which draws each frame
 * anew: 7 patches the last one, and loses printed lines when the frame becomes taller or lower.
 */
import type { TextStream } from '../output.ts';
import { width } from '../width.ts';
import type { Size } from './live.ts';

export interface LiveArea {
  /** As it is at this moment. */
  size(): Size;
  draw(lines: readonly string[]): void;
  clear(): void;
  close(): void;
}

/** `process.stdout` where it is a terminal. Node looks at the size when a signal comes; this makes it look now. */
type Terminal = TextStream & { readonly _refreshSize?: () => void };

export async function openLiveArea(stream: Terminal): Promise<LiveArea> {
  const { createLogUpdate } = await import('log-update');
  const { eraseLines } = await import('ansi-escapes');
  const update = createLogUpdate(stream);
  let drawn: readonly string[] = [];
  let drawnColumns = 0;

  // A timer may come before the signal: a frame that is erased by the size of a moment ago leaves a part of it behind.
  const size = (): Size => {
    stream._refreshSize?.();
    return { columns: Math.max(1, stream.columns ?? 80), rows: stream.rows ?? 24 };
  };
  /**
   * A terminal that is made narrower wraps what is on it: the frame then stands on more rows than were drawn, and those
   * that log-update does not know of would be left behind.
   */
  const rowsTooMany = (): number => {
    const { columns } = size();
    const rows = drawn.reduce((total, line) => total + Math.max(1, Math.ceil(width(line) / columns)), 0);
    return rows - drawn.length;
  };
  const clear = (): void => {
    if (drawn.length === 0) return;
    const tooMany = rowsTooMany();
    update.clear();
    if (tooMany > 0) stream.write(eraseLines(tooMany + 1));
    drawn = [];
  };
  return {
    size,
    clear,
    draw(lines) {
      const { columns } = size();
      if (lines.length === 0 || columns !== drawnColumns) clear();
      if (lines.length > 0) update(lines.join('\n'));
      drawn = lines;
      drawnColumns = columns;
    },
    close() {
      clear();
      update.done();
    },
  };
}
