/** When what was done: a row for each step and for each pair, a bar for each stage. */
import type { Bar, Report, ReportPair } from '../contracts.ts';
import { shortNameIn } from '../report.ts';
import { duration, plural, short } from '../words.ts';
import { position, type Range, rangesOf, ticksOf } from './axis.ts';
import { type Html, html } from './escape.ts';
import { pager } from './pager.ts';
import { beyond } from './rows.ts';
import { STAGE_ORDER, stageLabel } from './words.ts';

export function timelineSection(report: Report): Html {
  const ranges = rangesOf(report);
  const [whole] = ranges;
  if (whole === undefined) return html``;
  const stages = STAGE_ORDER.filter((stage) => ranges.some((range) => range.name === stage));
  return html`<section id="timeline" aria-labelledby="timeline-title">
<div class="head"><h2 id="timeline-title">Timeline</h2>
<ul class="legend">${stages.map((stage) => html`<li><span class="swatch ${stage}"></span>${stageLabel(stage)}</li>`)}
<li><span class="swatch lockwait"></span>waiting for a lock</li><li><span class="flag" aria-hidden="true">▲</span>a try that failed</li></ul></div>
<div class="bar-row">${pager('timeline', report.pairs.length, 'pair')}${zoom(ranges)}</div>
<div class="chart" data-zoomable>
${ranges.map(axis)}
<table class="timeline" data-rows="timeline">
<caption class="visually-hidden">Steps and pairs of the execution in time</caption>
<colgroup><col class="c-name"><col><col class="c-took"></colgroup>
<thead><tr><th scope="col">Step</th><th scope="col"><span class="visually-hidden">When</span></th><th scope="col" class="num">Took</th></tr></thead>
<tbody class="steps">${report.steps.map((bar) => stepRow(bar, whole))}</tbody>
<tbody class="pairs" data-body>${report.pairs.map((pair, index) => pairRow(pair, index, report, whole))}</tbody>
</table></div></section>`;
}

function zoom(ranges: readonly Range[]): Html {
  if (ranges.length < 2) return html``;
  return html`<div class="choice needs-js" role="group" aria-label="Part of the time that is shown">
${ranges.map(({ name, from, to }) => html`<button type="button" data-zoom="${name}" data-from="${from}" data-to="${to}" aria-pressed="${name === 'whole' ? 'true' : 'false'}">${name === 'whole' ? 'Whole execution' : stageLabel(name)}</button>`)}</div>`;
}

function axis(range: Range): Html {
  const ticks = ticksOf(range);
  return html`<svg class="axis" data-axis="${range.name}" aria-hidden="true" width="100%" height="100%"${range.name === 'whole' ? '' : html` hidden`}>
${ticks.map(({ at, label }) => html`<line x1="${at}%" x2="${at}%" y1="26" y2="100%"/><text x="${at}%" y="17" text-anchor="${at < 3 ? 'start' : at > 97 ? 'end' : 'middle'}">${label}</text>`)}</svg>`;
}

function stepRow(bar: Bar, whole: Range): Html {
  return html`<tr><th scope="row"><a href="#graph" data-show-state="${bar.state}">${bar.state}</a></th><td>${bars([['step', bar]], whole, describedStep(bar))}</td><td class="num">${took(bar)}</td></tr>`;
}

function pairRow(pair: ReportPair, index: number, report: Report, whole: Range): Html {
  const stages = STAGE_ORDER.flatMap((stage): [string, Bar][] => {
    const bar = pair.bars[stage];
    return bar === undefined ? [] : [[stage, bar]];
  });
  const name = shortNameIn(report, pair.referencing);
  const sum = stages.reduce((total, [, bar]) => total + bar.durationMs, 0);
  return html`<tr data-row data-key="${pair.pair}"${beyond(index)}><th scope="row"><a href="#pair-${pair.pair}" data-show-pair="${pair.pair}" title="${name}">${name}</a></th><td>${
    stages.length === 0 ? html`<span class="muted">not begun</span>` : bars(stages, whole, describedPair(stages))
  }</td><td class="num">${stages.length === 0 ? '' : duration(sum)}</td></tr>`;
}

function bars(list: readonly (readonly [string, Bar])[], whole: Range, label: string): Html {
  return html`<svg class="bars" width="100%" height="16" role="img" aria-label="${label}">${list.map(([kind, bar]) => oneBar(kind, bar, whole))}</svg>`;
}

function oneBar(kind: string, bar: Bar, whole: Range): Html {
  const failed = bar.outcome === 'failed' ? ' failed' : bar.outcome === 'running' ? ' running' : '';
  const box = (from: number, ms: number): Html =>
    html`x="${position(from, whole)}%" width="${Math.max(0, Math.round((ms / (whole.to - whole.from)) * 100_000) / 1_000)}%"`;
  return html`<rect class="${kind}${failed}" ${box(bar.from, bar.durationMs)} y="3" height="10"><title>${described(kind, bar)}</title></rect>${bar.waits.map(
    (wait) =>
      wait.durationMs < (whole.to - whole.from) / 300
        ? ''
        : html`<rect class="lockwait" ${box(wait.from, wait.durationMs)} y="5" height="6"/>`,
  )}${bar.failures.map(({ at, error, message }) => html`<text class="flag" x="${position(at, whole)}%" y="15"><title>${error}: ${short(message, 160)}</title>▲</text>`)}`;
}

function described(kind: string, bar: Bar): string {
  const what = STAGE_ORDER.some((stage) => stage === kind) ? stageLabel(kind) : bar.state;
  const waited = bar.waits.reduce((sum, wait) => sum + wait.durationMs, 0);
  return [
    `${what}: ${bar.outcome === 'skipped' ? 'was there already' : duration(bar.durationMs)}`,
    ...(waited >= 1 ? [`waited ${duration(waited)} for locks`] : []),
    ...(bar.failures.length > 0 ? [plural(bar.failures.length, 'failed try', 'failed tries')] : []),
    ...(bar.outcome === 'failed' ? ['failed'] : bar.outcome === 'running' ? ['running'] : []),
  ].join(', ');
}

function describedStep(bar: Bar): string {
  return `${described('', bar)}, begun after ${duration(bar.from)}`;
}

function describedPair(stages: readonly (readonly [string, Bar])[]): string {
  return stages.map(([stage, bar]) => described(stage, bar)).join('; ');
}

function took(bar: Bar): string {
  return bar.outcome === 'running' ? 'running' : duration(bar.durationMs);
}
