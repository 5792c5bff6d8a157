/** Results of an audit, and the steps of repairs. */

import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pair } from '../catalog/pairs.ts';
import type { TablesRead } from '../catalog/untrusted-code.ts';
import type { Finding } from '../contracts/documents.ts';
import type { LockRequest } from '../postgres/locks/lock-wait.ts';
import type { NamedConstraint } from '../postgres/locks/named-constraints.ts';

/** A finding of `audit --json`; its ids are explained in docs/after-the-migration.md. */
export interface AuditFinding extends Finding {
  /** Schema-qualified; null where it is about the table as a whole. */
  readonly partition: string | null;
  /** The statements that repair it, in order; empty where a person has to decide. */
  readonly sql: readonly string[];
}

/** One table of `audit --json`. */
export interface AuditedTable {
  readonly table: string;
  /** Name of the former parent FK; null where no ledger has it. */
  readonly constraint: string | null;
  readonly findings: readonly AuditFinding[];
}

/** `audit --json`. */
export interface Audit {
  /** Whether no finding is an error or a warning. */
  readonly passed: boolean;
  readonly tables: readonly AuditedTable[];
  /** Only with `--fix --run`: the repairs that were tried, in order; `tables` has the findings that are left after them. */
  readonly repairs?: readonly RepairOutcome[];
}

/** Result of one repair. */
export interface RepairOutcome {
  readonly table: string;
  /** Id of the finding. */
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
  /** The referenced table, with its schema, quoted where needed; `table`, the referencing one, likewise. */
  readonly referencedTable: string;
}

/**
 * Tables that an ATTACH PARTITION reads: those of the foreign key, and those that the parents of both partitions also reference.
 */
export interface Attached {
  readonly reads: NamedTables;
  readonly parents: { readonly referencing_parent_oid: number; readonly referenced_parent_oid: number };
  /** The same two tables, as names in SQL. */
  readonly parentNames: readonly string[];
}

/** One step of a repair, in a form in which the application can continue to work. */
export type RepairStep =
  /** One statement outside a transaction; its waits block no reads or writes. */
  | {
      readonly kind: 'concurrently';
      readonly sql: string;
      /**
       * Oids of tables on whose indexes it takes ACCESS EXCLUSIVE at its end, as DROP and REINDEX do: standbys replay that lock.
       */
      readonly exclusiveOn: readonly number[];
    }
  /** Statements in one transaction whose lock waits are limited in all. */
  | {
      readonly kind: 'locked';
      readonly locks: readonly LockRequest[];
      readonly sql: readonly string[];
      /** The same for a text that another role may run: set where `sql` depends on the role that asked. */
      readonly printed?: readonly string[];
      /** Foreign keys that `sql` names and that exist already. */
      readonly constraints?: readonly NamedConstraint[];
      /** Set where it attaches a partition, which reads rows. */
      readonly attaches?: Attached;
    }
  /** Reads rows for as long as that takes; `lock` blocks no reader and no writer. */
  | {
      readonly kind: 'validate';
      readonly lock: { readonly sql: string; readonly both_sql: string };
      readonly sql: string;
      readonly constraint: NamedConstraint;
      readonly reads: NamedTables;
    }
  /** A change of the ledger only. */
  | { readonly kind: 'ledger'; readonly sql: string }
  /** Makes a ledger entry from the catalog; it has no statements to print. */
  | { readonly kind: 'adopt'; readonly foreignKey: ForeignKey };

/** A finding with everything that its repair needs. */
export interface Drift {
  readonly finding: Finding;
  readonly partition: string | null;
  readonly steps: readonly RepairStep[];
  /** What the repair makes on a pair. It is noted in the ledger, so that a rollback drops it. */
  readonly makes?: { readonly pair: Pair; readonly constraint: boolean; readonly index: boolean };
  /** Whether it is repaired only where a person accepts the finding by its id. */
  readonly needsAcceptance?: boolean;
  /** The pair whose rows may have been inserted unchecked: its orphans are counted after the repair. */
  readonly unchecked?: Pair;
}

/** The statements of a repair, as a DBA would run them. */
export function repairStatements({ steps }: Drift): string[] {
  return steps.flatMap((step) => {
    if (step.kind === 'adopt') return [];
    return step.kind === 'locked' ? [...(step.printed ?? step.sql)] : [step.sql];
  });
}
