/** A busy machine in one place: the next statement of a session that matches takes longer in the server, or fails there. */
import type { Client } from 'pg';

export function slowNext(client: Client, pattern: RegExp, seconds: number): void {
  replaceNext(client, pattern, (text) =>
    text.replace(/^((?:--.*\n)*)SELECT /, `$1SELECT pg_catalog.pg_sleep(${seconds}), `),
  );
}

export function failNext(client: Client, pattern: RegExp): void {
  replaceNext(client, pattern, () => 'SELECT 1 / 0');
}

function replaceNext(client: Client, pattern: RegExp, rewrite: (text: string) => string): void {
  const query = client.query.bind(client) as (text: string, values?: unknown[]) => Promise<unknown>;
  let done = false;
  const rewritten = (text: string) => {
    if (done || typeof text !== 'string' || !pattern.test(text)) return text;
    done = true;
    return rewrite(text);
  };
  client.query = ((text: string, values?: unknown[]) => query(rewritten(text), values)) as typeof client.query;
}
