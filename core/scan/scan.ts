/**
 * Looks at every foreign key of a database that touches a partitioned table. Reads the catalog, the statistics and the ledger, in a number of
 * queries that does not depend on how many there are; opens no table for its rows, and runs no code of the application, except to compare
 * bounds whose types, tables and functions belong to roles that could become this login.
 */
import type { Client } from 'pg';
import { readPairings } from '../catalog/many-pairings.ts';
import { readServer } from '../catalog/server-facts.ts';
import { InvalidInput } from '../contracts/errors.ts';
import { echoed } from '../contracts/redact.ts';
import { SCAN_STATUSES, type ScanDocument, type ScanReason } from '../contracts/scan-document.ts';
import { requireLinked } from '../ledger/schema/identity.ts';
import { checkLedger } from '../ledger/schema/state.ts';
import { sqlStateOf } from '../postgres/postgres-errors.ts';
import { runForEach } from '../postgres/run-for-each.ts';
import { run } from '../postgres/sql.ts';
import { readEvidence } from './evidence.ts';
import { type Judged, judge } from './judge.ts';
import { judgeNotUnderstood, judgeOfPartitions, judgePlain } from './plain.ts';
import { readScanSubjects, type Scanned } from './subjects.ts';

/** What to scan. */
export interface ScanOptions {
  /** Stored names; null: all. */
  readonly schemas: readonly string[] | null;
  /** Limit of each query, in milliseconds. */
  readonly statementTimeoutMs: number;
}

/** What was found, but for what depends on a command line. */
export type ScanReading = Omit<ScanDocument, 'foreignKeys' | 'failed'> & { readonly foreignKeys: readonly Judged[] };

/** SQLSTATEs of a query that took too long, and of a lock that was waited for too long. */
const [QUERY_CANCELED, LOCK_NOT_AVAILABLE] = ['57014', '55P03'];

/**
 * Scans a database. The session must be one of connectReadOnly.
 *
 * @throws InvalidInput where there is no such schema, or it takes longer than it may
 * @throws LedgerElsewhere, LedgerNotTrusted where the ledger must not be used
 */
export async function scan(client: Client, options: ScanOptions): Promise<ScanReading> {
  try {
    await client.query("SELECT set_config('statement_timeout', $1, true)", [String(options.statementTimeoutMs)]);
    return await scanAll(client, options);
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === QUERY_CANCELED)
      throw new InvalidInput(
        `a query took longer than ${options.statementTimeoutMs} ms: scan fewer schemas with --schema, or allow more with --statement-timeout`,
      );
    if (state === LOCK_NOT_AVAILABLE)
      throw new InvalidInput(
        'another session has just locked one of the tables exclusively, and keeps the lock for longer than 5 s: scan again when it has ended, or leave its schema out with --schema',
      );
    throw error;
  }
}

async function scanAll(client: Client, { schemas }: ScanOptions): Promise<ScanReading> {
  const server = await readServer(client);
  if (schemas !== null) await requireSchemas(client, schemas);
  const ledger = await checkLedger(client);
  if (ledger.readable) await requireLinked(client, ledger.is_older);
  const subjects = await readScanSubjects(client, schemas, ledger.readable);
  const { scanned } = subjects;
  const notCompared = new Map<number, ScanReason>();
  const pairings = await readPairings(client, scanned, async (open) => {
    for (const [index, reason] of await reasonsNotToCompare(client, scanned, open)) notCompared.set(index, reason);
    return new Set(open.filter((index) => !notCompared.has(index)));
  });
  const evidence = await readEvidence(client, scanned, pairings, !server.in_recovery);
  const judged = scanned.flatMap((one, index) => {
    const [pairing, read] = [pairings[index], evidence[index]];
    if (!pairing || !read) return [];
    return (
      judge({
        server,
        scanned: one,
        pairing,
        notCompared: notCompared.get(index),
        ...read,
      }) ?? []
    );
  });
  const foreignKeys = [
    ...judged,
    ...subjects.notUnderstood.map(judgeNotUnderstood),
    ...subjects.ofPartitions.map(judgeOfPartitions),
    ...subjects.plain.map(judgePlain),
  ].sort(byGain);
  return {
    database: server.database,
    serverVersion: server.version,
    standby: server.in_recovery,
    schemas: schemas === null ? null : [...schemas],
    statisticsSince: evidence.find(({ writes }) => writes !== undefined)?.writes?.since ?? null,
    ledger: ledger.readable ? 'read' : ledger.has_tables && !ledger.is_copy ? 'unreadable' : 'absent',
    summary: summaryOf(foreignKeys),
    foreignKeys,
    unseen: [...subjects.unseen],
  };
}

async function requireSchemas(client: Client, schemas: readonly string[]): Promise<void> {
  const missing = await run(client, 'scan/missing-schemas', { schemas });
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => echoed(name)).join(', ');
  throw new InvalidInput(
    `there is no schema ${names} in this database; --schema takes a name as it is stored, without quotes`,
  );
}

/**
 * Why bounds must not be compared, by the index of the foreign key. The owner of a table could change it between this answer and the
 * comparison, so no table is compared whose owner could not become the login.
 */
async function reasonsNotToCompare(
  client: Client,
  scanned: readonly Scanned[],
  open: readonly number[],
): Promise<Map<number, ScanReason>> {
  const reasons = new Map<number, ScanReason>();
  const ours = open.filter((index) => scanned[index]?.touching?.stranger === null);
  const rows = await runForEach(
    client,
    'catalog/untrusted-code',
    ours.flatMap((index) => scanned[index]?.foreignKey ?? []),
  );
  const code = new Map(ours.map((index, position) => [index, rows[position]?.[0]]));
  for (const index of open) {
    const found = code.get(index);
    if (code.has(index) && found === undefined) continue;
    const why = found
      ? `would run ${found.code} of ${found.owner} with the rights of ${found.session_role}`
      : `could run code of ${scanned[index]?.touching?.stranger ?? 'their owner'}, who owns some of these tables, with the rights of this login`;
    reasons.set(index, {
      id: 'bounds-not-compared',
      message: `the bounds of some partitions are written in different ways, and to compare them ${why}`,
      remedy: 'p2pfk plan compares them, or says what keeps it from it; --trust-owner trusts a role',
    });
  }
  return reasons;
}

/** By status; then by the partitions that need not be locked any more, for each write of a second; then by size. */
function byGain(one: Judged, other: Judged): number {
  return (
    SCAN_STATUSES.indexOf(one.status) - SCAN_STATUSES.indexOf(other.status) ||
    gain(other) - gain(one) ||
    other.pairs - one.pairs ||
    other.rows - one.rows ||
    (one.table < other.table ? -1 : 1)
  );
}

function gain({ gain: found }: Judged): number {
  if (found === null) return 0;
  const writes = (found.insertsPerSecond ?? 0) + (found.deletesPerSecond ?? 0);
  return writes * Math.max(0, found.partitionsLocked - found.partitionsLockedAfter);
}

function summaryOf(foreignKeys: readonly Judged[]): ScanDocument['summary'] {
  const summary = {
    unprotected: 0,
    'half-done': 0,
    convertible: 0,
    unclear: 0,
    refused: 0,
    converted: 0,
    plain: 0,
  };
  for (const { status } of foreignKeys) summary[status] += 1;
  return summary;
}
