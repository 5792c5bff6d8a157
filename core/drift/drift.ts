/** What an audit finds, and how it is repaired. */

import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pair } from '../catalog/pairs.ts';
import type { TablesRead } from '../catalog/untrusted-code.ts';
import type { Finding } from '../contracts/documents.ts';
import type { LockRequest } from '../postgres/locks/lock-wait.ts';

/** A finding of `audit --json`; its ids are explained in docs/after-the-migration.md. */
export interface AuditFinding extends Finding {
  /** Schema-qualified; null where it is about the table as a whole. */
  readonly partition: string | null;
  /** The statements that repair it, in order; empty where a person has to decide. */
  readonly sql: readonly string[];
}

export interface AuditedTable {
  readonly table: string;
  /** Name of the former parent FK; null where no ledger remembers it. */
  readonly constraint: string | null;
  readonly findings: readonly AuditFinding[];
}

/** `audit --json`. */
export interface Audit {
  /** No finding is an error or a warning. */
  readonly passed: boolean;
  readonly tables: readonly AuditedTable[];
  /** Only with `--fix --run`: what was tried, in order; `tables` is what is left after it. */
  readonly repairs?: readonly RepairOutcome[];
}

export interface RepairOutcome {
  readonly table: string;
  /** Of the finding. */
  readonly id: string;
  readonly partition: string | null;
  readonly status: 'REPAIRED' | 'FAILED';
  /** Milliseconds. */
  readonly durationMs: number;
  /** One line; null when repaired. */
  readonly error: string | null;
}

/** Two tables that are read, by oid and by name. */
export interface NamedTables extends TablesRead {
  /** As SQL writes it, with its schema; so is `table`, the referencing one. */
  readonly referencedTable: string;
}

/** What an ATTACH PARTITION reads: the tables of the foreign key, and those that the parents of both partitions reference besides. */
export interface Attached {
  readonly reads: NamedTables;
  readonly parents: { readonly referencing_parent_oid: number; readonly referenced_parent_oid: number };
  /** The same two, as SQL writes them. */
  readonly parentNames: readonly string[];
}

/** One step of a repair, with what keeps the application going meanwhile. */
export type RepairStep =
  /** Alone, outside a transaction; its waits stop no reads or writes. */
  | {
      readonly kind: 'concurrently';
      readonly sql: string;
      /** Oids of tables on whose index it takes ACCESS EXCLUSIVE at its end, as DROP and REINDEX do: standbys replay that. */
      readonly exclusiveOn: readonly number[];
    }
  /** In one transaction whose lock waits are bounded in all. */
  | {
      readonly kind: 'locked';
      readonly locks: readonly LockRequest[];
      readonly sql: readonly string[];
      /** Where it attaches a partition, which reads rows. */
      readonly attaches?: Attached;
    }
  /** Reads rows for as long as it takes; `lock` stops no reader and no writer. */
  | { readonly kind: 'validate'; readonly lock: string; readonly sql: string; readonly reads: NamedTables }
  /** On the ledger alone. */
  | { readonly kind: 'ledger'; readonly sql: string }
  /** Makes an entry of the ledger from the catalog; no statements of its own to print. */
  | { readonly kind: 'adopt'; readonly foreignKey: ForeignKey };

/** A finding with all that its repair needs. */
export interface Drift {
  readonly finding: Finding;
  readonly partition: string | null;
  readonly steps: readonly RepairStep[];
  /** What the repair makes on a pair: the ledger is told, so that a rollback takes it away. */
  readonly makes?: { readonly pair: Pair; readonly constraint: boolean; readonly index: boolean };
  /** Repaired only where a person accepts the finding by its id. */
  readonly needsAcceptance?: boolean;
  /** Rows may have come in unchecked: their orphans are counted after the repair. */
  readonly unchecked?: Pair;
}

/** The statements of a repair as a DBA would run them. */
export function repairStatements({ steps }: Drift): string[] {
  return steps.flatMap((step) => {
    if (step.kind === 'adopt') return [];
    return step.kind === 'locked' ? [...step.sql] : [step.sql];
  });
}
