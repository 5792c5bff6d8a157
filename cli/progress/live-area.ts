/** The live area on a real terminal: log-update, loaded only where there is one to draw on. */
import type { TextStream } from '../output.ts';
import { width } from '../text.ts';

export interface LiveArea {
  draw(lines: readonly string[]): void;
  clear(): void;
  close(): void;
}

/** @param plainOf takes the colours off a line, for its width */
export async function openLiveArea(
  stream: TextStream & NodeJS.EventEmitter,
  plainOf: (line: string) => string,
): Promise<LiveArea> {
  const { createLogUpdate } = await import('log-update');
  const { eraseLines } = await import('ansi-escapes');
  const update = createLogUpdate(stream);
  let drawn: readonly string[] = [];

  /**
   * A terminal that is made narrower wraps what is on it: the frame then stands on more rows than were drawn, and those
   * that log-update does not know of would be left behind.
   */
  const rowsTooMany = (): number => {
    const columns = Math.max(1, stream.columns ?? 80);
    const rows = drawn.reduce((total, line) => total + Math.max(1, Math.ceil(width(plainOf(line)) / columns)), 0);
    return rows - drawn.length;
  };
  const clear = (): void => {
    if (drawn.length === 0) return;
    const tooMany = rowsTooMany();
    update.clear();
    if (tooMany > 0) stream.write(eraseLines(tooMany + 1));
    drawn = [];
  };
  const onResize = (): void => {
    const lines = drawn;
    clear();
    // The next frame fits the new size. Until it comes there is nothing, rather than the old one in pieces.
    if (lines.length > 0) update.done();
  };
  stream.on('resize', onResize);
  return {
    clear,
    draw(lines) {
      if (lines.length === 0) return clear();
      update(lines.join('\n'));
      drawn = lines;
    },
    close() {
      stream.off('resize', onResize);
      clear();
      update.done();
    },
  };
}
