/**
 * Connections that died without a word: the network, a firewall or a proxy in between dropped them, and no packet says so. A
 * statement that is not answered is looked after through another session, which asks the server what becomes of it; one whose time
 * the server bounds is given up when that time is over. Either way the connection is cut here, and the statement fails as on any
 * connection that is lost: the step is tried again and finds what was done.
 */
import { channel } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { Client } from 'pg';

/** Diagnostics channel: a {@link Silence} each time that a look finds no server, and `null` when one answers again. */
export const SERVER_SILENT = 'p2pfk:server-silent';

export interface Silence {
  /** Milliseconds since the statement was sent, or since the last look that found the server at work on it. */
  readonly ms: number;
}

/**
 * Whether the server still works on the statement of that session. Rejects where no session is to be had.
 */
export type Look = () => Promise<boolean>;

/** Between two looks at a statement that is not answered. */
const LOOK_MS = 30_000;
/** So many looks in a row find no server, or find it done with the statement: then the answer will not come. */
const UNREACHED_LOOKS = 3;
const ENDED_LOOKS = 2;
/** What an answer may take beyond the time that the server allows a statement. */
const GRACE_MS = 5_000;
/** A process that stood still has its timers due before it reads what has come meanwhile: it reads first. */
const READ_FIRST_MS = 1_000;

const silent = channel(SERVER_SILENT);

/** Milliseconds that the server allows each statement of that session now. */
const bounds = new WeakMap<Client, number>();

/**
 * To be called where statement_timeout is set for the transaction: its statements are given up some seconds after that time.
 *
 * @param milliseconds null: the server does not bound them
 */
export function expectAnswersWithin(client: Client, milliseconds: number | null): void {
  if (milliseconds === null) bounds.delete(client);
  else bounds.set(client, milliseconds);
}

/**
 * Looks after every statement of that session from now on.
 *
 * @param failed is told each error that a statement fails with
 */
export function watchAnswers(
  client: Client,
  look: Look,
  { lookMs = LOOK_MS, failed }: { readonly lookMs?: number | undefined; failed?(error: unknown): void } = {},
): void {
  const send = client.query.bind(client) as (...args: unknown[]) => unknown;
  const query = (...args: unknown[]): unknown => {
    const answer = send(...args);
    if (!(answer instanceof Promise)) return answer;
    const unwatch = watch(client, look, lookMs);
    const [text] = args;
    const answered = (): void => {
      unwatch();
      if (text === 'COMMIT' || text === 'ROLLBACK') bounds.delete(client);
    };
    answer.then(answered, (error: unknown) => {
      answered();
      failed?.(error);
    });
    return answer;
  };
  Object.assign(client, { query });
}

/** One statement, until its answer. */
function watch(client: Client, look: Look, lookMs: number): () => void {
  let over = false;
  const timers = new Set<NodeJS.Timeout>();
  const after = (ms: number, act: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer.unref());
  };
  const bound = bounds.get(client);
  if (bound !== undefined)
    after(bound + GRACE_MS, () =>
      after(READ_FIRST_MS, () =>
        cut(
          client,
          `no answer in ${Math.round((bound + GRACE_MS) / 1_000)} s to a statement that may take ${bound} ms`,
        ),
      ),
    );
  void lookAfter(client, look, {
    pause: () => new Promise<void>((resolve) => after(lookMs, resolve)),
    isOver: () => over,
  });
  return () => {
    over = true;
    for (const timer of timers) clearTimeout(timer);
  };
}

async function lookAfter(
  client: Client,
  look: Look,
  { pause, isOver }: { pause: () => Promise<void>; isOver: () => boolean },
): Promise<void> {
  let since = performance.now();
  let unreached = 0;
  let ended = 0;
  for (;;) {
    await pause();
    try {
      const works = await look();
      if (isOver()) return;
      if (unreached > 0) silent.publish(null);
      unreached = 0;
      ended = works ? 0 : ended + 1;
      if (works) since = performance.now();
    } catch {
      if (isOver()) return;
      unreached++;
      silent.publish({ ms: performance.now() - since } satisfies Silence);
    }
    if (ended === ENDED_LOOKS)
      return cut(client, 'the server has done with the statement, and its answer did not come');
    if (unreached === UNREACHED_LOOKS)
      return cut(client, `no answer from the server for ${Math.round((performance.now() - since) / 1_000)} s`);
  }
}

/** All that was sent on it fails, as where the other side had reset it. */
function cut(client: Client, why: string): void {
  const connection: unknown = Reflect.get(client, 'connection');
  const stream = typeof connection === 'object' && connection !== null ? Reflect.get(connection, 'stream') : undefined;
  (stream as Socket | undefined)?.destroy(Object.assign(new Error(why), { code: 'ETIMEDOUT' }));
}
