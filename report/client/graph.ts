/** A state that is chosen shows what it did, and its events. */
import { all, make, on, one } from './dom.ts';

interface Events {
  readonly types: readonly string[];
  readonly states: readonly string[];
  readonly rows: readonly (readonly [number, number, number, number, number, string])[];
}

/** As many events as one looks at; the next ones come when asked for. */
const PAGE = 60;

export function graph(): { refresh(): void } {
  let chosen: string | null = null;
  let limit = PAGE;
  let whole = false;

  const show = (): void => {
    for (const link of all<SVGAElement>('a[data-state]')) {
      const current = link.dataset.state === chosen;
      link.classList.toggle('chosen', current);
      if (current) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    }
    for (const section of all('.inspector .state')) {
      section.classList.toggle('is-open', chosen !== null && section.id === idOf(chosen));
    }
    one('.inspector')?.classList.toggle('has-state', chosen !== null);
    if (chosen !== null) listEvents(chosen, limit);
  };
  const choose = (state: string): void => {
    chosen = state;
    limit = PAGE;
    show();
  };

  on<SVGAElement>('click', 'a[data-state]', (link, event) => {
    event.preventDefault();
    choose(link.dataset.state ?? '');
  });
  on('click', 'a[data-show-state]', (link) => choose(link.dataset.showState ?? ''));
  on('click', '.more-events', () => {
    limit += 10 * PAGE;
    show();
  });
  on<HTMLInputElement>('change', '#whole-machine', (box) => {
    whole = box.checked;
    applyWhole(whole);
  });
  return {
    refresh: () => {
      applyWhole(whole);
      show();
    },
  };
}

function applyWhole(whole: boolean): void {
  const box = one<HTMLInputElement>('#whole-machine');
  if (box !== null) box.checked = whole;
  for (const drawing of all('[data-graph]')) drawing.hidden = (drawing.dataset.graph === 'whole') !== whole;
}

function idOf(state: string): string {
  return `state-${state.replace(/[^A-Za-z0-9]/g, (character) => `-${character.codePointAt(0)?.toString(16)}`)}`;
}

function listEvents(state: string, limit: number): void {
  const place = one(`[data-events="${CSS.escape(state)}"]`);
  const data = one('#events-data')?.textContent;
  if (place === null || !data) return;
  const { types, states, rows } = JSON.parse(data) as Events;
  const index = states.indexOf(state);
  const own = rows.filter((row) => row[3] === index);
  // Nothing new: whoever reads or scrolls in the list is not to be disturbed.
  const shown = `${own.length} ${limit}`;
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  const table = make('table', 'data history');
  table.append(make('caption', 'visually-hidden', `Events of ${state}`));
  const head = table.createTHead().insertRow();
  for (const [title, className] of [
    ['Id', 'num'],
    ['After', 'num'],
    ['Event', ''],
    ['Pair', 'num'],
    ['Detail', ''],
  ] as const) {
    const heading = make('th', className, title);
    heading.scope = 'col';
    head.append(heading);
  }
  const body = table.createTBody();
  for (const [id, offset, type, , pair, detail] of own.slice(0, limit)) {
    const row = body.insertRow();
    row.append(make('td', 'num', String(id)), make('td', 'num', `${(offset / 1000).toFixed(3)} s`));
    row.append(make('td', '', types[type] ?? ''), make('td', 'num', pair === 0 ? '' : String(pair)));
    row.append(make('td', 'event-detail', detail));
  }
  const left = own.length - limit;
  const count = make('p', 'muted', `${own.length} ${own.length === 1 ? 'event' : 'events'} of the execution's history`);
  const wrapper = make('div', 'scroll');
  wrapper.tabIndex = 0;
  wrapper.setAttribute('role', 'group');
  wrapper.setAttribute('aria-label', `Events of ${state}`);
  wrapper.append(table);
  place.replaceChildren(count, wrapper);
  if (left > 0) {
    const more = make('button', 'more-events', `Show ${Math.min(left, 10 * PAGE)} more of ${left}`);
    more.type = 'button';
    place.append(more);
  }
}
