/** Before something is done that cannot be taken back by closing the page. */
import { type Html, html } from '../../../report/html/escape.ts';
import { CSRF_FIELD } from '../access.ts';

export interface Confirmation {
  readonly title: string;
  /** What will happen, one paragraph each. */
  readonly text: readonly string[];
  /** Lines of a forecast or a rehearsal. */
  readonly facts: readonly (readonly [term: string, text: string])[];
  readonly button: string;
  readonly danger: boolean;
  /** Which database it is about. */
  readonly database: string;
  readonly action: string;
  readonly back: string;
  readonly formToken: string;
}

export function confirmPage(confirmation: Confirmation): Html {
  const { title, text, button, danger, database, action, back, formToken } = confirmation;
  const facts = [['Database', database] as const, ...confirmation.facts];
  return html`<section class="verdict confirm" aria-labelledby="confirm-title"><h1 id="confirm-title">${title}</h1>
${text.map((paragraph) => html`<p>${paragraph}</p>`)}
<dl class="facts">${facts.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>
<div class="actions"><form method="post" action="${action}"><input type="hidden" name="${CSRF_FIELD}" value="${formToken}"><button class="${danger ? 'danger' : 'primary'}">${button}</button></form><a class="button" href="${back}">Leave it as it is</a></div></section>`;
}

export function problemPage(title: string, text: string): Html {
  return html`<section class="verdict"><h1>${title}</h1><p class="alert" role="alert">${text}</p><p><a href="/">Executions</a></p></section>`;
}
