/** The form that starts a migration, and the plan that is shown before it does. */

import { exactAcceptance } from '../../../core/checks/preflight/acceptance.ts';
import type { Finding, Plan } from '../../../core/contracts/documents.ts';
import { withoutSchemaOf } from '../../../core/contracts/safe-text.ts';
import { type Html, html } from '../../../report/html/escape.ts';
import { bytes, count, duration, plural } from '../../../report/words.ts';
import { ACCEPT_FIELD, FIELDS, type Field, type FormValues } from '../form.ts';

export interface StartFormOptions {
  readonly values: FormValues;
  /** Name of a field -> what is wrong with it; '' for the whole. */
  readonly problems: ReadonlyMap<string, string>;
}

export function startForm({ values, problems }: StartFormOptions): Html {
  const whole = problems.get('');
  return html`<section class="verdict" aria-labelledby="start-title"><h1 id="start-title">Start a migration</h1>
<p class="note">Nothing is started yet: the plan comes first, and reads only.</p>
${whole === undefined ? '' : html`<p class="alert" role="alert">${whole}</p>`}
<form method="post" action="/start/plan" class="form" novalidate>
${FIELDS.filter((field) => !field.advanced).map((field) => control(field, values, problems))}
<details${FIELDS.some((field) => field.advanced && (problems.has(field.name) || values[field.name])) ? html` open` : ''}><summary>Limits and options</summary><div class="fields">${FIELDS.filter((field) => field.advanced).map((field) => control(field, values, problems))}</div></details>
<p><button class="primary">Show the plan</button></p></form></section>`;
}

function control(field: Field, values: FormValues, problems: ReadonlyMap<string, string>): Html {
  const value = values[field.name] ?? '';
  const problem = problems.get(field.name);
  const id = `field-${field.name}`;
  const note = html`<p class="hint" id="${id}-note">${field.hint}</p>${problem === undefined ? '' : html`<p class="problem" id="${id}-problem">${problem}</p>`}`;
  const described = html`aria-describedby="${id}-note${problem === undefined ? '' : ` ${id}-problem`}"${problem === undefined ? '' : html` aria-invalid="true"`}`;
  if (field.kind === 'checkbox') {
    return html`<div class="field check"><label><input type="checkbox" name="${field.name}" value="on" ${described}${value === 'on' ? html` checked` : ''}> ${field.label}</label>${note}</div>`;
  }
  if (field.kind === 'choice') {
    return html`<fieldset class="field" ${described}><legend>${field.label}</legend>${field.choices.map(([choice, text], index) => html`<label><input type="radio" name="${field.name}" value="${choice}"${value === choice || (value === '' && index === 0) ? html` checked` : ''}> ${text}</label>`)}${note}</fieldset>`;
  }
  return html`<div class="field"><label for="${id}">${field.label}</label><input id="${id}" name="${field.name}" value="${value}" ${described}${field.kind === 'number' ? html` inputmode="numeric"` : ''}${field.required ? html` required` : ''} autocomplete="off" spellcheck="false">${note}</div>`;
}

export interface PlanPageOptions {
  /** Ids of findings that need acceptance and have none. */
  readonly open: readonly string[];
  /** It was to be started without their acceptance. */
  readonly unaccepted: boolean;
  /** Which database it is about. */
  readonly database: string;
}

/** The plan, with everything that was filled in, a checkbox for each finding to accept, and one button that starts it. */
export function planPage(plan: Plan, values: FormValues, { open, unaccepted, database }: PlanPageOptions): Html {
  const errors = plan.findings.filter((finding) => finding.severity === 'error');
  const hidden = Object.entries(values)
    .filter(([name]) => name !== 'accept')
    .map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
  const accepts = plan.findings.filter(({ id, needsAcceptance }, index, all) => {
    const asked = open.includes(id) || values.accept?.split(',').some((one) => one === id || one.startsWith(`${id}:`));
    return needsAcceptance && asked && all.findIndex((other) => other.id === id) === index;
  });
  const able = errors.length === 0 && plan.statements.length > 0;
  return html`<section class="verdict" aria-labelledby="plan-title">
<p class="status"><span class="pill ${able ? 'good' : errors.length > 0 ? 'bad' : 'none'}">${able ? 'Ready' : errors.length > 0 ? 'Refused' : 'Nothing to do'}</span> <span class="what">${plan.table} → ${plan.referencedTable}</span></p>
<h1 id="plan-title">${verdict(plan, errors)}</h1>
<p class="note">On ${database}.</p>
<ul class="figures">${figures(plan).map(([value, what]) => html`<li><b>${value}</b> <span>${what}</span></li>`)}</ul>
${unaccepted ? html`<p class="alert" role="alert">Not started: accept what would fail or be lost first, or change it.</p>` : ''}
<div class="actions">${able ? html`<form method="post" action="/start">${hidden}${accepts.map(({ id }) => acceptBox(plan, id, !open.includes(id)))}<button class="primary">Start this migration</button></form>` : ''}<form method="post" action="/start/form">${hidden}<button>Change something</button></form></div></section>
<section aria-labelledby="findings-title"><h2 id="findings-title">What to know before</h2>${findings(plan.findings)}</section>
<section aria-labelledby="rollback-title"><h2 id="rollback-title">If it has to go back</h2><p>${forecast(plan)}</p></section>
<section aria-labelledby="pairs-title"><h2 id="pairs-title">Pairs</h2>${pairs(plan)}</section>
<section aria-labelledby="sql-title"><h2 id="sql-title">Statements</h2><details><summary>${plural(plan.statements.length, 'statement')}, in order, each with its lock</summary>
<table class="data"><caption class="visually-hidden">Planned statements</caption><thead><tr><th scope="col">Step</th><th scope="col">Statement</th><th scope="col">Lock</th></tr></thead><tbody>${plan.statements.map(({ step, sql, lock }) => html`<tr><td>${step}</td><td><code>${sql}</code></td><td>${lock}</td></tr>`)}</tbody></table></details></section>`;
}

function acceptBox({ findings: all }: Plan, id: string, checked: boolean): Html {
  const shown = all.filter((finding) => finding.id === id && finding.needsAcceptance);
  const messages = shown.map(({ message }) => message);
  const note = `accept-${id}-note`;
  return html`<div class="field check"><label><input type="checkbox" name="${ACCEPT_FIELD}${id}" value="${shown.map(exactAcceptance).join(',')}" aria-describedby="${note}"${checked ? html` checked` : ''}> I accept <code>${id}</code></label><p class="hint" id="${note}">${messages.join('; ')}</p></div>`;
}

function verdict(plan: Plan, errors: readonly Finding[]): string {
  if (errors.length > 0)
    return `It would be refused: ${plural(errors.length, 'error')} to remove first. Nothing was changed.`;
  if (plan.statements.length === 0) return 'This table is migrated already: there is nothing to do.';
  return `${plan.constraint} can be replaced by ${plural(plan.pairs.length, 'foreign key')}, one for each pair of partitions.`;
}

function figures({ pairs: all, estimate, statements }: Plan): [string, string][] {
  return [
    [count(all.length), 'pairs'],
    [count(estimate.rows), `rows, ${bytes(estimate.bytes)}`],
    [rounded(estimate.seconds * 1000), 'in all, estimated'],
    [rounded(estimate.dropLockedMs), 'under exclusive lock, estimated'],
    [count(statements.length), 'statements'],
  ];
}

/** An estimate with two decimals would promise too much. */
function rounded(milliseconds: number): string {
  return duration(milliseconds < 1000 ? milliseconds : Math.round(milliseconds / 1000) * 1000).replace(/\.0+ s$/, ' s');
}

export function forecast({ estimate: { rollback } }: Plan): string {
  const blocked =
    rollback.writesBlockedMs < 1
      ? 'writes are not blocked'
      : `writes would be blocked for about ${duration(rollback.writesBlockedMs)}`;
  return `Strategy ${rollback.strategy}: ${blocked}. ${rollback.note === '' ? '' : `It is ${rollback.note}.`}`;
}

function findings(all: readonly Finding[]): Html {
  if (all.length === 0) return html`<p>No findings.</p>`;
  const tone = { error: 'bad', warning: 'wait', info: 'none' } as const;
  return html`<ul class="findings">${all.map(({ id, severity, message, remedy }) => html`<li><span class="pill ${tone[severity]}">${severity}</span> <code>${id}</code><p>${message}</p>${remedy === '' ? '' : html`<p class="muted">${remedy}</p>`}</li>`)}</ul>`;
}

const MOST_PAIRS = 60;

function pairs(plan: Plan): Html {
  const shown = plan.pairs.slice(0, MOST_PAIRS);
  const more = plan.pairs.length - shown.length;
  return html`<table class="data"><caption class="visually-hidden">Pairs, largest first</caption><thead><tr><th scope="col" class="num">#</th><th scope="col">Referencing</th><th scope="col">Referenced</th><th scope="col" class="num">Rows</th><th scope="col" class="num">Size</th><th scope="col">Index</th></tr></thead>
<tbody>${shown.map((pair, index) => html`<tr><td class="num">${index + 1}</td><th scope="row"><code>${withoutSchemaOf(plan.table, pair.referencing)}</code></th><td><code>${withoutSchemaOf(plan.table, pair.referenced)}</code></td><td class="num">${count(pair.rows)}</td><td class="num">${bytes(pair.bytes)}</td><td>${pair.hasIndex ? 'there' : 'to build'}</td></tr>`)}</tbody></table>${more > 0 ? html`<p class="note">and ${count(more)} more</p>` : ''}`;
}
