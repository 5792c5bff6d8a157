/** The document of `p2pfk scan --json`. docs/scan.schema.json is made of these schemas; unknown keys are refused in tests. */
import { z } from 'zod';

/** What was found out about a foreign key, in the order in which people want to know it. */
export const SCAN_STATUSES = [
  'unprotected',
  'half-done',
  'convertible',
  'unclear',
  'refused',
  'converted',
  'plain',
] as const;

const count = z.int().nonnegative();
/** An estimate of the server. */
const estimate = z.number().nonnegative();

const ScanReason = z.strictObject({
  id: z
    .string()
    .describe(
      'a finding of p2pfk plan or p2pfk audit (docs/findings.md, docs/after-the-migration.md), or one of docs/ci.md',
    ),
  message: z.string(),
  remedy: z.string(),
});

const ScanGain = z
  .strictObject({
    truncateEmptiesRows: estimate.describe(
      'estimated rows of the whole referencing table, which TRUNCATE ... CASCADE of any one referenced partition empties',
    ),
    partitionsNotDetachable: count.describe(
      'referenced partitions for which DETACH is refused as long as a row references them, and reads the referencing table to know',
    ),
    insertsPerSecond: estimate.nullable().describe('into the referencing partitions, on average; null on a standby'),
    deletesPerSecond: estimate.nullable().describe('from the referenced partitions, on average; null on a standby'),
    partitionsLocked: count.describe('leaf partitions that the first foreign key checks of a session lock'),
    partitionsLockedAfter: count.describe('the same with pair foreign keys, where the session writes to one pair'),
  })
  .describe('what a conversion would change');

const ScanCost = z
  .strictObject({
    seconds: estimate.describe('index builds, validation and checks together, with the defaults of p2pfk migrate'),
    dropLockedMs: estimate.describe('for which the drop holds ACCESS EXCLUSIVE locks'),
    rollback: z.strictObject({
      strategy: z.enum(['not-valid', 'attach', 'blocking']),
      writesBlockedMs: estimate,
    }),
  })
  .describe('the forecast of p2pfk plan');

const ScannedForeignKey = z.strictObject({
  status: z.enum(SCAN_STATUSES),
  table: z.string().describe('the referencing table, with its schema, quoted where needed'),
  constraint: z
    .string()
    .nullable()
    .describe('its name as it is stored; null where only pair foreign keys are left and no ledger has it'),
  referencedTable: z.string(),
  by: z.enum(['p2pfk', 'hand']).nullable().describe('who has made the pair foreign keys; null where there are none'),
  pairs: count,
  unpaired: count.describe('leaf partitions of both tables that are in no pair'),
  rows: estimate.describe('estimated rows of the referencing table'),
  bytes: estimate.describe('heap bytes of the referencing table'),
  missingIndexes: count.describe('pairs whose referencing partition has no index that serves the foreign key'),
  reasons: z.array(ScanReason).describe('why it has this status'),
  unprotected: z
    .array(z.string())
    .describe('referencing partitions whose rows no foreign key guards, though the foreign key is converted'),
  gain: ScanGain.nullable(),
  cost: ScanCost.nullable(),
  next: z.string().nullable().describe('the next command, quoted for a shell; null where there is nothing to do'),
});

const Unseen = z.strictObject({
  table: z.string(),
  referencedTable: z.string(),
  constraint: z.string().nullable(),
  why: z.enum(['schema', 'locked']),
  message: z.string(),
  remedy: z.string(),
});

/** `p2pfk scan --json`. */
export const ScanDocument = z.strictObject({
  database: z.string(),
  serverVersion: z.string(),
  standby: z.boolean(),
  schemas: z.array(z.string()).nullable().describe('those of --schema; null: all'),
  statisticsSince: z.iso
    .datetime()
    .nullable()
    .describe('when the server began to count writes; null where nothing was counted'),
  ledger: z.enum(['absent', 'read', 'unreadable']),
  failed: z
    .array(z.enum(['convertible', 'unprotected']))
    .describe('what --fail-on names and was found: the exit code is 3 where this is not empty'),
  summary: z.strictObject({
    unprotected: count,
    'half-done': count,
    convertible: count,
    unclear: count,
    refused: count,
    converted: count,
    plain: count,
  }),
  foreignKeys: z.array(ScannedForeignKey).describe('by status, and the greatest gain first'),
  unseen: z.array(Unseen).describe('foreign keys that could not be looked at'),
});

export type ScanDocument = z.infer<typeof ScanDocument>;
export type ScanStatus = (typeof SCAN_STATUSES)[number];
export type ScannedForeignKey = z.infer<typeof ScannedForeignKey>;
export type ScanReason = z.infer<typeof ScanReason>;
export type UnseenForeignKey = z.infer<typeof Unseen>;
