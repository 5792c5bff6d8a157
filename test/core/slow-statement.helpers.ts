/** A busy machine in one place: the next statement of a session that matches takes longer in the server. */
import type { Client } from 'pg';

/**
 * @param instead where nothing can be added to the statement itself, that is run in its place; it has to fail
 */
export function slowNext(client: Client, pattern: RegExp, seconds: number, instead = false): void {
  const query = client.query.bind(client) as (text: string, values?: unknown[]) => Promise<unknown>;
  let slowed = false;
  const rewritten = (text: string) => {
    if (slowed || typeof text !== 'string' || !pattern.test(text)) return text;
    slowed = true;
    const sleep = `SELECT pg_catalog.pg_sleep(${seconds})`;
    return instead ? sleep : text.replace(/^SELECT /, `${sleep}, `);
  };
  client.query = ((text: string, values?: unknown[]) => query(rewritten(text), values)) as typeof client.query;
}
