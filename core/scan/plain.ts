/** Foreign keys that have no pairs to connect: what they mean for TRUNCATE and DETACH. Pure. */
import type { ScanReason } from '../contracts/scan-document.ts';
import type { Judged } from './judge.ts';
import type { NotUnderstood, Touching } from './subjects.ts';

/** A foreign key with a plain table, or a single partition, on one side. */
export function judgePlain(touching: Touching): Judged {
  return { ...described(touching), command: null, status: 'plain', reasons: [consequences(touching)] };
}

/** Foreign keys of single partitions to a whole table: p2pfk migrates that of the table. */
export function judgeOfPartitions(touching: Touching): Judged {
  const { foreign_keys: count, table_name: table, referenced_name: referenced } = touching;
  return {
    ...described(touching),
    constraint: null,
    command: 'plan',
    status: 'refused',
    reasons: [
      {
        id: 'leaf-to-parent-foreign-key',
        message: `${count} foreign key(s) of single partitions of ${table} reference ${referenced} as a whole: TRUNCATE ... CASCADE and DETACH there meet these partitions`,
        remedy: `add the foreign key to ${table}, which takes over those of its partitions; or drop them, where a parent foreign key or pair foreign keys guard the same rows`,
      },
    ],
  };
}

export function judgeNotUnderstood({ touching, why }: NotUnderstood): Judged {
  const reason = { id: 'not-understood', message: why, remedy: 'nothing: p2pfk leaves it as it is' };
  return { ...described(touching), command: null, status: 'refused', reasons: [reason] };
}

function described(touching: Touching): Omit<Judged, 'status' | 'reasons' | 'command'> {
  return {
    table: touching.table_name,
    constraint: touching.constraint_name,
    referencedTable: touching.referenced_name,
    by: null,
    pairs: 0,
    unpaired: 0,
    rows: touching.table_rows,
    bytes: touching.table_bytes,
    missingIndexes: 0,
    unprotected: [],
    gain: null,
    cost: null,
  };
}

function consequences(touching: Touching): ScanReason {
  const { kind, table_name: table, referenced_name: referenced, detached } = touching;
  if (detached)
    return {
      id: 'from-detached',
      message: `${table} is no partition and references one partition, ${referenced}: TRUNCATE of that needs CASCADE and empties ${table}; DETACH of it works, and the foreign key stays`,
      remedy: 'a DETACH leaves such a foreign key behind: drop it, or the table, when it is not needed any more',
    };
  switch (kind) {
    case 'from-plain':
      return {
        id: 'from-plain-table',
        message: `${table} is not partitioned: TRUNCATE of any partition of ${referenced} needs CASCADE and empties all of ${table}; DETACH of one is refused as long as a row of ${table} references it`,
        remedy: 'partition it like the referenced table, and there are pairs to connect',
      };
    case 'to-partition':
      return {
        id: 'to-one-partition',
        message: `${table} references one partition, ${referenced}: TRUNCATE of that needs CASCADE and empties all of ${table}; DETACH of it works, and the foreign key stays`,
        remedy: 'nothing: there are no pairs to connect',
      };
    default:
      return {
        id: 'to-plain-table',
        message: `${referenced} is not partitioned: TRUNCATE of it needs CASCADE and empties all of ${table}; partitions of ${table} can be truncated and detached, and a detached one keeps the foreign key`,
        remedy: 'nothing: there are no pairs to connect',
      };
  }
}
