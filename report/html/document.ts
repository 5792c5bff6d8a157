/** The report as one file: no network, no inline handler, nothing from outside; readable without its script. */
import { createHash } from 'node:crypto';
import { visible } from '../../core/contracts/safe-text.ts';
import { asset } from '../assets.ts';
import type { Report } from '../contracts.ts';
import { instant } from '../words.ts';
import { costsSection } from './costs.ts';
import { type Html, html, jsonBlock, raw } from './escape.ts';
import { executionsSection } from './executions.ts';
import { graphSection } from './graph.ts';
import { headerSection } from './header.ts';
import { errorsSection, findingsSection, notesSection, verifySection } from './notes.ts';
import { pairsSection } from './pairs.ts';
import { proofSection } from './proof.ts';
import { statementsSection } from './statements.ts';
import { timelineSection } from './timeline.ts';
import { STATUS } from './words.ts';

/** Before the first paint: the page knows that scripts run, and which theme was chosen. */
const EARLY = `(()=>{const d=document.documentElement;d.classList.add('js');try{const t=localStorage.getItem('p2pfk-theme');if(t)d.dataset.theme=t}catch{}})()`;

export async function toHtml(report: Report): Promise<string> {
  const style = asset('report.css');
  const script = asset('report.js');
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(EARLY)} ${hashOf(script)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${raw(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="${report.generator}">
<title>${titleOf(report)} – p2pfk</title>
<script>${raw(EARLY)}</script>
<style>${raw(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header class="top"><span class="brand">p2pfk</span>${navigation(report)}<button type="button" class="theme needs-js" id="theme">Theme: system</button></header>
<main id="main">${await body(report)}</main>
<footer><p>${report.generator}, ${instant(report.generatedAt)}. This file is complete in itself and loads nothing.</p></footer>
${eventsBlock(report)}
<script>${raw(script)}</script>
</body>
</html>
`;
  return String(page);
}

/** Everything between the header bar and the footer; the console's live page shows it too. */
export function body(report: Report): Html {
  return html`${headerSection(report)}${notesSection(report)}${executionsSection(report)}${graphSection(report)}${timelineSection(report)}${pairsSection(report)}${costsSection(report)}${proofSection(report)}${statementsSection(report)}${errorsSection(report)}${findingsSection(report)}${verifySection(report)}`;
}

export function titleOf({ subject, status }: Report): string {
  const to = subject.referencedTable === null ? '' : ` → ${subject.referencedTable}`;
  return `${subject.table}${to}: ${STATUS[status].word.toLowerCase()}`;
}

function navigation(report: Report): Html {
  const sections: [string, string, boolean][] = [
    ['executions', 'Executions', report.executions.length > 1],
    ['graph', 'Graph', true],
    ['timeline', 'Timeline', true],
    ['pairs', 'Pairs', report.pairs.length > 0],
    ['costs', 'Costs', report.costs.length > 0],
    ['proof', 'Proof', report.comparison.length + report.checks.length > 0 || report.rehearsal !== null],
    ['statements', 'Statements', report.statements.length > 0],
    ['errors', 'Errors', report.errors.length > 0],
    ['findings', 'Findings', report.findings !== null],
    ['verify', 'Verify', true],
  ];
  return html`<nav aria-label="Sections"><ul>${sections.map(([id, title, there]) => (there ? html`<li><a href="#${id}">${title}</a></li>` : ''))}</ul></nav>`;
}

/** The history itself: columns and dictionaries, because it repeats a few words thousands of times. */
export function eventsBlock({ events }: Report): Html {
  const types = [...new Set(events.map((event) => event.type))];
  const states = [...new Set(events.map((event) => event.state))];
  const rows = events.map(({ id, offsetMs, type, state, pair, detail }) => [
    id,
    offsetMs,
    types.indexOf(type),
    states.indexOf(state),
    pair ?? 0,
    visible(detail),
  ]);
  return html`<script type="application/json" id="events-data">${jsonBlock({ types, states, rows })}</script>`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
