/** Frames of a terminal -> an SVG that plays them. Pure. */

/** Text of one style, and where it begins. */
export interface Run {
  readonly column: number;
  readonly text: string;
  /** Of the terminal's palette; null: the terminal's own. */
  readonly color: number | null;
  readonly bold: boolean;
  readonly dim: boolean;
}

export type Line = readonly Run[];

export interface Frame {
  readonly atMs: number;
  readonly lines: readonly Line[];
}

export interface Screen {
  readonly columns: number;
  readonly lines: number;
  /** The command, above the screen. */
  readonly title: string;
}

const CHARACTER = { width: 8.4, height: 18 };
const MARGIN = 14;
const HEAD = 34;
/** The last frame stays that long before it begins anew. */
const LAST_MS = 6_000;
/** A change that is shown more briefly cannot be read. */
const SHORTEST_MS = 160;

/** The sixteen colours of a dark terminal whose text has a contrast of 4.5 to 1 or more on its background. */
const BACKGROUND = '#10151c';
const FOREGROUND = '#e3e8ee';
const PALETTE = [
  ...['#8b98a7', '#ff8a80', '#7ee2a8', '#f2d17a', '#8ab8ff', '#d9a6ff', '#7fdbe6', '#e3e8ee'],
  ...['#8b98a7', '#ff8a80', '#7ee2a8', '#f2d17a', '#8ab8ff', '#d9a6ff', '#7fdbe6', '#ffffff'],
];

/**
 * Lines that stay the same from one frame to the next are written once: a picture of thirty seconds has some hundred kilobytes instead of
 * some megabytes.
 */
export function pictureOf(frames: readonly Frame[], screen: Screen): string {
  const shown = distinct(frames);
  const endMs = (shown.at(-1)?.atMs ?? 0) + LAST_MS;
  const width = Math.ceil(screen.columns * CHARACTER.width + 2 * MARGIN);
  const height = HEAD + screen.lines * CHARACTER.height + MARGIN;
  const spans = spansOf(shown, endMs);
  const rules = new Map<string, string>();
  const body = spans.map(({ row, line, fromMs, toMs }) => {
    const rule = `${percent(fromMs, endMs)}-${percent(toMs, endMs)}`;
    if (!rules.has(rule)) rules.set(rule, `k${rules.size}`);
    return `<g class="l ${toMs === endMs ? 'z ' : ''}${rules.get(rule)}">${textOf(line, HEAD + (row + 1) * CHARACTER.height - 4)}</g>`;
  });
  const keyframes = [...rules].map(([rule, name]) => {
    const [from = '0', to = '100'] = rule.split('-');
    const before = from === '0' ? '' : '0%{visibility:hidden}';
    const after = to === '100' ? '' : `${to}%,100%{visibility:hidden}`;
    return `@keyframes ${name}{${before}${from}%{visibility:visible}${after}}.${name}{animation-name:${name}}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(screen.title)} on a terminal">
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:${FOREGROUND};white-space:pre}.b{font-weight:700}.d{opacity:.7}
.l{visibility:hidden}.z{visibility:visible}
@media (prefers-reduced-motion:no-preference){.l{animation-duration:${(endMs / 1_000).toFixed(2)}s;animation-iteration-count:infinite;animation-timing-function:step-end}
${keyframes.join('\n')}}</style>
<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>
<text x="${MARGIN}" y="24" class="b">${escaped(screen.title)}</text>
${body.join('\n')}
</svg>
`;
}

/** Frames that differ from the one before, none shown too briefly; the last one always. */
function distinct(frames: readonly Frame[]): Frame[] {
  const kept: Frame[] = [];
  for (const [index, frame] of frames.entries()) {
    const before = kept.at(-1);
    const isLast = index === frames.length - 1;
    if (before && JSON.stringify(before.lines) === JSON.stringify(frame.lines)) continue;
    if (before && frame.atMs - before.atMs < SHORTEST_MS && !isLast) continue;
    kept.push(frame);
  }
  return kept;
}

interface Span {
  readonly row: number;
  readonly line: Line;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Each line with the time in which it is seen. */
function spansOf(frames: readonly Frame[], endMs: number): Span[] {
  const spans: Span[] = [];
  const rows = Math.max(0, ...frames.map(({ lines }) => lines.length));
  for (let row = 0; row < rows; row++) {
    let open: Span | undefined;
    for (const { atMs, lines } of frames) {
      const line = lines[row] ?? [];
      if (open && JSON.stringify(open.line) === JSON.stringify(line)) continue;
      if (open) spans.push({ ...open, toMs: atMs });
      open = { row, line: isBlank(line) ? [] : line, fromMs: atMs, toMs: endMs };
    }
    if (open) spans.push(open);
  }
  return spans.filter((span) => span.line.length > 0);
}

function isBlank(line: Line): boolean {
  return line.every(({ text }) => text.trim() === '');
}

function percent(ms: number, endMs: number): string {
  return String(Number(((100 * ms) / endMs).toFixed(2)));
}

function textOf(line: Line, y: number): string {
  return line
    .filter(({ text }) => text.trim() !== '')
    .map(({ column, text, color, bold, dim }) => {
      const indent = text.length - text.trimStart().length;
      const x = (MARGIN + (column + indent) * CHARACTER.width).toFixed(1);
      const style = [bold ? 'b' : '', dim ? 'd' : ''].filter(Boolean).join(' ');
      const fill = color === null ? '' : ` style="fill:${PALETTE[color] ?? FOREGROUND}"`;
      const shown = text.trim();
      return `<text x="${x}" y="${y}" textLength="${(shown.length * CHARACTER.width).toFixed(1)}"${style ? ` class="${style}"` : ''}${fill}>${escaped(shown)}</text>`;
    })
    .join('');
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
