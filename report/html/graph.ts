/** The state machine as it was executed: a drawing whose states lead to their events. */
import { curveBasis, line } from 'd3-shape';
import type { Report, ReportState, Transition } from '../contracts.ts';
import { duration, plural } from '../words.ts';
import { type Html, html } from './escape.ts';
import { insideOf, layOut, type Placed, type PlacedEdge, type PlacedNode, subtitleOf } from './layout.ts';
import { OUTCOME } from './words.ts';

const path = line<{ x: number; y: number }>()
  .x((point) => round(point.x))
  .y((point) => round(point.y))
  .curve(curveBasis);

export function graphSection(report: Report): Html {
  const entered = report.states.filter((state) => state.outcome !== 'not-entered');
  const names = new Set(entered.map((state) => state.name));
  const taken = report.transitions.filter((way) => way.taken > 0 && names.has(way.from) && names.has(way.to));
  return html`<section id="graph" aria-labelledby="graph-title">
<div class="head"><h2 id="graph-title">The state machine, as executed</h2>
<label class="switch needs-js"><input type="checkbox" id="whole-machine"> <span>Show states that were not entered</span></label></div>
<div class="split">
<div class="figure" tabindex="0" role="group" aria-label="State graph; each state leads to its events">
<div data-graph="executed">${drawing(layOut(entered, taken))}</div>
<div data-graph="whole" hidden>${drawing(layOut(report.states, wholeMachine(report)))}</div>
</div>
<div class="inspector" id="inspector" aria-live="polite">
<div class="overview"><p>Choose a state to see what it did, how often it was tried, and its events.</p>${legend()}</div>
${report.states.map((state) => stateDetails(state, report))}
</div></div></section>`;
}

/**
 * Every Task has a Catch to the rollback and one to the pause: drawn where taken, they are news; drawn all, a thicket. A
 * state that nothing else leads to keeps the first of them.
 */
function wholeMachine({ transitions }: Report): Transition[] {
  const reached = new Set<string>();
  for (const way of transitions) if (way.kind !== 'catch' || way.taken > 0) reached.add(way.to);
  return transitions.filter((way) => {
    if (way.kind !== 'catch' || way.taken > 0) return true;
    const first = !reached.has(way.to);
    reached.add(way.to);
    return first;
  });
}

function legend(): Html {
  return html`<ul class="legend">
<li><span class="dot good"></span>succeeded</li><li><span class="dot wait"></span>succeeded after retries, or cut off</li>
<li><span class="dot bad"></span>failed</li><li><span class="dot run"></span>running</li>
<li><span class="stroke caught"></span>taken because of an error</li></ul>`;
}

function drawing(placed: Placed): Html {
  if (placed.nodes.length === 0) return html`<p class="muted">No state has been entered yet.</p>`;
  const width = Math.ceil(placed.width);
  const height = Math.ceil(placed.height);
  return html`<svg class="graph" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="presentation">
${content(placed)}</svg>`;
}

function content({ nodes, edges }: Placed): Html {
  return html`${edges.map(edge)}${nodes.map(node)}`;
}

function edge({ transition, points }: PlacedEdge): Html {
  const end = points.at(-1);
  const middle = points[Math.floor(points.length / 2)];
  const kind = `${transition.kind === 'catch' ? 'caught' : 'way'}${transition.taken > 0 ? '' : ' untaken'}`;
  return html`<path class="edge ${kind}" d="${path([...points]) ?? ''}"/>${end ? arrow(points, kind) : ''}${
    repeated(transition) && middle
      ? html`<text class="times" x="${round(middle.x + 6)}" y="${round(middle.y + 4)}">×${transition.taken}</text>`
      : ''
  }`;
}

/** A way that is taken once for each pair is no news; one that leads back is. */
function repeated(way: Transition): boolean {
  return way.taken > 1 && way.kind === 'choice' && way.to.startsWith('Wait');
}

function arrow(points: readonly { x: number; y: number }[], kind: string): Html {
  const end = points.at(-1) ?? { x: 0, y: 0 };
  const before = points.at(-2) ?? end;
  const angle = (Math.atan2(end.y - before.y, end.x - before.x) * 180) / Math.PI;
  return html`<path class="arrow ${kind}" d="M-6,-3.5L0,0L-6,3.5Z" transform="translate(${round(end.x)} ${round(end.y)}) rotate(${round(angle)})"/>`;
}

function node(placed: PlacedNode): Html {
  const { state, width, height, inside } = placed;
  const x = round(placed.x - width / 2);
  const y = round(placed.y - height / 2);
  const origin = insideOf(placed);
  const kind = `node type-${state.type.toLowerCase()} ${toneOf(state)}`;
  const corner = /^(Choice|Succeed|Fail)$/.test(state.type) ? 20 : 6;
  return html`<g class="${kind}" transform="translate(${x} ${y})">
<a href="#state-${idOf(state.name)}" data-state="${state.name}" aria-label="${described(state)}">
<rect class="box" width="${round(width)}" height="${round(height)}" rx="${inside ? 8 : corner}"/>
<text class="mark" aria-hidden="true" x="14" y="${inside ? 22 : 24.5}">${markOf(state)}</text>
<text class="name" x="30" y="${inside ? 21 : 18}">${state.name}</text>
<text class="sub" x="${inside ? round(width - 12) : 30}" y="${inside ? 21 : 32}"${inside ? html` text-anchor="end"` : ''}>${subtitleOf(state)}</text></a>
${inside === null ? '' : html`<g transform="translate(${round(origin.x)} ${round(origin.y)})">${content(inside)}</g>`}</g>`;
}

function toneOf(state: ReportState): string {
  return state.outcome === 'succeeded' && state.failures > 0 ? 'wait' : OUTCOME[state.outcome].tone;
}

function markOf(state: ReportState): string {
  return state.outcome === 'succeeded' && state.failures > 0 ? '↻' : OUTCOME[state.outcome].mark;
}

function described(state: ReportState): string {
  const failures = state.failures > 0 ? `, ${plural(state.failures, 'failed attempt')}` : '';
  return `${state.name} ${subtitleOf(state)}, ${state.type}, ${OUTCOME[state.outcome].word}${failures}`;
}

function stateDetails(state: ReportState, report: Report): Html {
  const facts: [string, string][] = [
    ['Entered', state.entered === 0 ? 'never' : plural(state.entered, 'time')],
    ...(state.attempts > 0 ? [['Attempts', attempts(state)] as [string, string]] : []),
    ...(state.firstEnteredAt === null
      ? []
      : [['First', `after ${duration(offset(state, report))}`] as [string, string]]),
    ...(state.durationMs === null ? [] : [['From first to last', duration(state.durationMs)] as [string, string]]),
  ];
  return html`<section class="state" id="state-${idOf(state.name)}" aria-labelledby="state-${idOf(state.name)}-title">
<h3 id="state-${idOf(state.name)}-title">${state.name} <span class="pill ${toneOf(state)}">${OUTCOME[state.outcome].word}</span></h3>
<p class="comment">${state.comment}</p>
<dl class="inline">${facts.map(([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>`)}</dl>
${state.entered === 0 ? '' : html`<div class="events" data-events="${state.name}"></div>`}</section>`;
}

function attempts({ attempts, failures }: ReportState): string {
  return failures === 0 ? plural(attempts, 'attempt') : `${plural(attempts, 'attempt')}, ${failures} failed`;
}

function offset(state: ReportState, report: Report): number {
  return Math.max(0, Date.parse(state.firstEnteredAt ?? '') - Date.parse(report.execution.startedAt));
}

/** State names may hold a question mark; ids are better off without. */
function idOf(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, (character) => `-${character.codePointAt(0)?.toString(16)}`);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
