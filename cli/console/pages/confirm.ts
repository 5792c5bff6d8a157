/** Before something is done that cannot be taken back by closing the page. */
import { type Html, html } from '../../../report/html/escape.ts';

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
  /** The person if the form names none. */
  readonly person: string | undefined;
  readonly back: string;
  /** Stands for the migration as it is shown here; the act is refused where it is another one, or not like that any more. */
  readonly shown: string;
}

export const SHOWN_FIELD = 'shown';

export function confirmPage(confirmation: Confirmation): Html {
  const { title, text, button, danger, database, action, back, person, shown } = confirmation;
  const facts = [['Database', database] as const, ...confirmation.facts];
  return html`<section class="verdict confirm" aria-labelledby="confirm-title"><h1 id="confirm-title">${title}</h1>
${text.map((paragraph) => html`<p>${paragraph}</p>`)}
<dl class="facts">${facts.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>
<form method="post" action="${action}" class="form"><input type="hidden" name="${SHOWN_FIELD}" value="${shown}">
<div class="field"><label for="by">Your name</label><input id="by" name="by" value="${person ?? ''}" autocomplete="off" spellcheck="false" aria-describedby="by-note"><p class="hint" id="by-note">Noted in ledger and report as stated, not verified</p></div>
<div class="field"><label for="reason">Reason</label><input id="reason" name="reason" value="" autocomplete="off" aria-describedby="reason-note"><p class="hint" id="reason-note">For example a ticket</p></div>
<div class="actions"><button class="${danger ? 'danger' : 'primary'}">${button}</button><a class="button" href="${back}">Leave it as it is</a></div></form></section>`;
}

export function problemPage(title: string, text: string): Html {
  return html`<section class="verdict"><h1>${title}</h1><p class="alert" role="alert">${text}</p><p><a href="/">Executions</a></p></section>`;
}
