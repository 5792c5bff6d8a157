/**
 * Charts as SVG text, by vega-lite, without a browser. A page in dark mode shows the same file: the few colours that would
 * vanish there are style rules which follow the reader's colour scheme.
 */
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Chart } from '../harness/result.ts';

const INK = '#24292f';
const GRID = '#d8dee4';
const DARK_MODE = `<style>@media (prefers-color-scheme: dark) {
[fill="${INK}"] { fill: #e6edf3 } [stroke="${INK}"] { stroke: #e6edf3 } [stroke="${GRID}"] { stroke: #3d444d }
}</style>`;

/** Okabe and Ito's, which people with any colour vision tell apart, without those too light or too dark for one scheme. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8a6d00', '#56b4e9', '#7f7f7f', '#b2182b'];

export async function chartSvg(chart: Chart): Promise<string> {
  const view = new View(parse(compile(specification(chart)).spec), { renderer: 'none' });
  try {
    const svg = await view.toSVG();
    return `${svg.replace(/^(<svg[^>]*>)/, `$1<title>${markup(chart.title)}</title>${DARK_MODE}`)}\n`;
  } finally {
    view.finalize();
  }
}

function specification(chart: Chart): TopLevelSpec {
  const numeric = chart.kind === 'line';
  const series = [...new Set(chart.points.map((point) => point.series))];
  const powers = chart.logarithmic ? powersOfTen(chart) : [];
  const [least = 1] = powers;
  const domain = [least, powers.at(-1) ?? 10 * least];
  const y = chart.logarithmic
    ? { scale: { type: 'log' as const, domain }, axis: { values: powers }, stack: null }
    : { scale: { zero: true } };
  // A logarithmic bar has no zero to stand on.
  const foot = chart.logarithmic && !numeric ? { y2: { datum: least } } : {};
  const x = numeric
    ? {
        field: 'x',
        type: 'quantitative' as const,
        title: chart.x,
        scale: { type: 'log' as const, nice: false },
        axis: { values: places(chart), format: ',', labelFlush: false },
      }
    : {
        field: 'x',
        type: 'nominal' as const,
        title: chart.x,
        sort: null,
        axis: { labelAngle: 0, labelExpr: "split(datum.label, ', ')" },
      };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 560,
    height: 280,
    background: 'transparent',
    title: { text: chart.title, anchor: 'start' },
    data: { values: chart.points.map((point) => ({ ...point })) },
    mark: numeric ? { type: 'line', point: true, strokeWidth: 2 } : { type: 'bar' },
    encoding: {
      x,
      y: { field: 'y', type: 'quantitative', title: chart.y, ...y },
      ...foot,
      color: {
        field: 'series',
        type: 'nominal',
        title: null,
        sort: series,
        scale: { domain: series, range: COLOURS.slice(0, series.length) },
        ...(series.length === 1 ? { legend: null } : { legend: { orient: 'bottom', columns: 3 } }),
      },
      ...(numeric ? {} : { xOffset: { field: 'series', sort: series } }),
    },
    config: {
      font: 'system-ui, sans-serif',
      axis: {
        labelColor: INK,
        titleColor: INK,
        domainColor: INK,
        tickColor: INK,
        gridColor: GRID,
        titleFontWeight: 'normal',
      },
      legend: { labelColor: INK, labelLimit: 300 },
      title: { color: INK, fontWeight: 'normal', fontSize: 14 },
      view: { stroke: null },
    },
  };
}

/** Ticks where there are points. */
function places(chart: Chart): number[] {
  return [...new Set(chart.points.map(({ x }) => Number(x)))].sort((a, b) => a - b);
}

/** Those that the axis may have; one between each would be too many to read. */
function powersOfTen(chart: Chart): number[] {
  const exponents = chart.points.map(({ y }) => Math.log10(y));
  const [from, to] = [Math.floor(Math.min(...exponents)), Math.ceil(Math.max(...exponents))];
  return Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
}

function markup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
