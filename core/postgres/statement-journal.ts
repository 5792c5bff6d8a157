/**
 * The statements of a transaction that takes locks on tables of the application. All DDL goes through `executeDdl`, which writes it
 * down here, so none can be left out of the ledger: outside of such a transaction `executeDdl` refuses to run anything.
 */
import type { Client } from 'pg';

/** As it was sent, and for how many milliseconds it ran; keys are those of p2pfk.record_transaction. */
export interface RanStatement {
  readonly sql: string;
  readonly duration_ms?: number;
}

const journals = new WeakMap<Client, RanStatement[]>();

/** Runs `work` with a journal of this session, which is empty at first. One at a time. */
export async function withJournal<Result>(
  client: Client,
  work: (journal: RanStatement[]) => Promise<Result>,
): Promise<Result> {
  if (journals.has(client)) throw new Error('this session has a journal already');
  const journal: RanStatement[] = [];
  journals.set(client, journal);
  try {
    return await work(journal);
  } finally {
    journals.delete(client);
  }
}

/** @throws Error where nothing would note the statement */
export function journalOf(client: Client): RanStatement[] {
  const journal = journals.get(client);
  if (!journal) throw new Error('a statement that changes something must be noted in the ledger');
  return journal;
}
