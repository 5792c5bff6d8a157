/** Before a command acts on what the ledger remembers: is this the database that the ledger belongs to? */

import { LedgerElsewhere } from '../core/contracts/errors.ts';
import { connect, connectReadOnly } from '../core/ledger/connect.ts';
import { describeIdentity } from '../core/ledger/schema/identity.ts';
import { relink } from '../core/ledger/schema/relink.ts';
import { readLink } from '../core/ledger/schema/state.ts';
import { confirmOnStandby } from '../core/ledger/standby-commit.ts';
import type { Output } from './output.ts';
import { isInteractive, type Terminal, withAnswers } from './terminal.ts';
import { oneLine } from './text.ts';

export interface RelinkOptions {
  readonly databaseUrl: string | undefined;
  /** `--relink`. */
  readonly relink: boolean;
}

/**
 * For commands that write. With `--relink` the ledger is linked; without it a person at a terminal is asked where the ledger does
 * not know the endpoint. Without a terminal nothing is asked: the command itself then refuses.
 *
 * @throws LedgerElsewhere when the ledger cannot be linked, or belongs to another database, or the person declines
 */
export async function confirmDatabase(terminal: Terminal, options: RelinkOptions): Promise<void> {
  const { output } = terminal;
  if (options.relink) return link(output, options);
  if (!isInteractive(terminal)) return;
  const question = await questionFor(options);
  if (question === null) return;
  output.line(`! ${oneLine(question)}`);
  await withAnswers(terminal.input, output, async (confirmed) => {
    if (!(await confirmed('  Is this the database that you mean? [y/N] ')))
      throw new LedgerElsewhere('refused, nothing was changed: the database was not confirmed');
  });
  await link(output, options);
}

async function link(output: Output, { databaseUrl }: RelinkOptions): Promise<void> {
  const client = await connect({ databaseUrl, applicationName: 'p2pfk relink' });
  try {
    const { identity, changed } = await relink(client);
    if (changed) await confirmOnStandby(client, { warn: (message) => output.complain(`! ${message}`) });
    if (changed && !output.quiet) output.line(`✓ Linked the ledger to ${describeIdentity(identity)}`);
  } finally {
    await client.end();
  }
}

async function questionFor({ databaseUrl }: RelinkOptions): Promise<string | null> {
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk' });
  try {
    const found = await readLink(client);
    return found === null || found.endpointKnown || !found.busy ? null : found.note;
  } finally {
    await client.end();
  }
}

/** For commands that only read: what a person should know of the database, on stderr. */
export async function noteDatabase(
  client: Parameters<typeof readLink>[0],
  output: Pick<Output, 'complain'>,
): Promise<void> {
  const found = await readLink(client);
  if (found !== null && found.note !== '') output.complain(`! ${oneLine(found.note)}`);
}
