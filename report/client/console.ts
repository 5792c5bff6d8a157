/** The console: its key, the report's own behaviour, and news while an execution runs. */
import { Idiomorph } from 'idiomorph';
import { one } from './dom.ts';
import { type Enhanced, enhance } from './enhance.ts';
import { ask, enter, sendForms } from './entrance.ts';
import { theme } from './theme.ts';

interface News {
  readonly stamp: string;
  readonly running: boolean;
  /** How long the server would like not to be asked, because the page is a large one. */
  readonly restMs: number;
  readonly title: string;
  readonly content: string;
}

/** Between two looks, so that a busy execution does not keep the page busy. */
const PAUSE_MS = 400;
/** After an answer that was none: the server may be starting again. */
const TROUBLE_MS = 3_000;

void begin();

async function begin(): Promise<void> {
  sendForms();
  await enter();
  theme();
  const enhanced = enhance();
  const live = one('[data-live]');
  if (live !== null) await follow(live, enhanced);
}

/** Asks again and again; the server answers when there is something new. */
async function follow(place: HTMLElement, page: Enhanced): Promise<void> {
  for (;;) {
    const news = await look(place);
    if (news === 'trouble') {
      await pause(TROUBLE_MS);
      continue;
    }
    if (news !== null) {
      show(place, news);
      page.refresh();
      if (!news.running) return;
      await pause(news.restMs);
    } else if (!one('.verdict .pill.run', place)) {
      return;
    }
    await pause(PAUSE_MS);
  }
}

async function look(place: HTMLElement): Promise<News | null | 'trouble'> {
  try {
    const response = await ask(`${place.dataset.live}?stamp=${encodeURIComponent(place.dataset.stamp ?? '')}`);
    if (response.status === 204) return null;
    return response.ok ? ((await response.json()) as News) : 'trouble';
  } catch {
    return 'trouble';
  }
}

/** Changes only what differs: focus, selection and the place on the page stay. The server has escaped everything. */
function show(place: HTMLElement, news: News): void {
  place.dataset.stamp = news.stamp;
  document.title = news.title;
  Idiomorph.morph(place, news.content, {
    morphStyle: 'innerHTML',
    ignoreActiveValue: true,
    callbacks: {
      // What the reader has opened stays open, and so do lists that this page has filled itself.
      beforeAttributeUpdated: (name: string) => name !== 'open',
      beforeNodeMorphed: (old: Node) => !(old instanceof HTMLElement && old.dataset.events !== undefined),
    },
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
