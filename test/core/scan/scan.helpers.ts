/** Scans of test databases, in short. */
import type { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { connectReadOnly } from '../../../core/ledger/connect.ts';
import type { Judged } from '../../../core/scan/judge.ts';
import { type ScanOptions, type ScanReading, scan } from '../../../core/scan/scan.ts';

/** A session as the command opens it. */
async function readOnly(databaseUrl: string): Promise<Client> {
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk scan' });
  onTestFinished(() => client.end());
  return client;
}

export async function scanned(url: string, options: Partial<ScanOptions> = {}): Promise<ScanReading> {
  return scan(await readOnly(url), { schemas: null, statementTimeoutMs: 600_000, ...options });
}

/** `status table → referenced (reasons)`, sorted. */
export function brief({ foreignKeys }: ScanReading): string[] {
  return foreignKeys
    .map(({ status, table, referencedTable, reasons }) => {
      const ids = [...new Set(reasons.map(({ id }) => id))];
      return `${status} ${table} → ${referencedTable}${ids.length === 0 ? '' : ` (${ids.join(', ')})`}`;
    })
    .sort();
}

export function of({ foreignKeys }: ScanReading, table: string): Judged {
  const [found, ...more] = foreignKeys.filter((one) => one.table === table);
  if (!found || more.length > 0) throw new Error(`${table} is there ${more.length + (found ? 1 : 0)} times`);
  return found;
}

/** Two tables of two LIST partitions each, `<name>` and `<name>_ref`, without a foreign key. */
export function twoTables(name: string, more = ''): string {
  const list = (table: string) =>
    [1, 2].map((value) => `CREATE TABLE ${table}_${value} PARTITION OF ${table} FOR VALUES IN (${value});`).join('\n');
  return `
    CREATE TABLE ${name}_ref (p int, id bigint, PRIMARY KEY (p, id)) PARTITION BY LIST (p);
    CREATE TABLE ${name} (p int, id bigint${more}) PARTITION BY LIST (p);
    ${list(`${name}_ref`)}
    ${list(name)}`;
}

export function parentForeignKey(name: string): string {
  return `ALTER TABLE ${name} ADD CONSTRAINT ${name}_fk FOREIGN KEY (p, id) REFERENCES ${name}_ref (p, id);`;
}

export function pairForeignKey(name: string, value: number): string {
  return `ALTER TABLE ${name}_${value} ADD FOREIGN KEY (p, id) REFERENCES ${name}_ref_${value} (p, id);`;
}
