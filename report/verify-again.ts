/** How somebody who does not believe this report finds out for himself. */
import { shellWord } from '../core/contracts/safe-text.ts';
import type { Report } from './contracts.ts';

export function commandsToVerify({
  subject,
  status,
  executionArn,
}: {
  readonly subject: Report['subject'];
  readonly status: Report['status'];
  readonly executionArn: string;
}): Report['verifyAgain'] {
  const table = `--table ${shellWord(subject.table)}`;
  const target = subject.constraint === null ? table : `${table} --constraint ${shellWord(subject.constraint)}`;
  const report = {
    command: `p2pfk report --execution ${shellWord(executionArn)} --output report.html`,
    purpose: 'makes this report anew from the history and the ledger',
  };
  const ledger = {
    command: `psql "$DATABASE_URL" -c ${shellWord(`SELECT at, role, step, pair, sql, locks, duration_ms FROM p2pfk.event WHERE migration_id = ${subject.migrationId ?? '...'} ORDER BY id`)}`,
    purpose: 'the ledger itself, without any tool of ours',
  };
  if (status === 'MIGRATED' || status === 'ALREADY_MIGRATED') {
    return [
      { command: `p2pfk verify ${target}`, purpose: 'runs the six checks again, every pair counted; changes nothing' },
      {
        command: `p2pfk audit ${table}`,
        purpose: 'drift since then: partitions without a foreign key, without an index',
      },
      {
        command: `psql "$DATABASE_URL" -c 'SELECT * FROM p2pfk.foreign_key_architecture'`,
        purpose: 'every foreign key of every partition, read from the catalog',
      },
      ledger,
      report,
    ];
  }
  const plan = { command: `p2pfk plan ${target}`, purpose: 'what is there now, and what would be done; reads only' };
  return subject.migrationId === null ? [plan, report] : [plan, ledger, report];
}
