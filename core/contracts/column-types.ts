/**
 * Types of columns that PostgreSQL knows only as json or text. The head of a file in `sql/` names them (`-- types: firing AlwaysFiring[]`),
 * and what `npm run sql:types` writes imports them. Nothing checks them against the query: a change of its `jsonb_build_object` is one here.
 */
import type { AcceptedFinding } from './documents.ts';
import type { ExecutionInput } from './execution-input.ts';
import type { Starter } from './person.ts';

export type { KeptOptions } from './decisive-options.ts';
export type { PairState, Rehearsal, Severity, Verification } from './documents.ts';
export type { LockHolder } from './errors.ts';
export type { Starter } from './person.ts';
export type { HeldLock, RecordedPlan, TrailMigration } from './trail.ts';

export type MigrationState = 'running' | 'paused' | 'migrated' | 'rolling-back' | 'rolled-back';

/** What an execution was asked to do, as the ledger keeps it for the steps. */
export type MigrationOptions = Omit<
  ExecutionInput,
  'table' | 'constraint' | 'operation' | 'migrationId' | 'dryRun' | 'relink'
> & {
  /** When this execution made its plan, ISO 8601, and how many seconds of work it foresaw. */
  readonly plannedAt?: string;
  readonly accepted?: readonly AcceptedFinding[];
  /** Who has started executions of this migration; the ledger adds to it. */
  readonly starters?: readonly Starter[];
  readonly forecastSeconds?: number;
  /** Of the executions that reconciliation has started to roll back, or is about to; the ledger adds to it. */
  readonly rollbackNames?: readonly string[];
};

/** Why a migration paused or is rolled back. */
export interface NotedError {
  readonly name: string;
  readonly message: string;
}

/** A trigger of a foreign key that fires ALWAYS, also where session_replication_role is replica. */
export interface AlwaysFiring {
  /** Oid of the table or partition. */
  readonly relation: number;
  readonly kind: 'check ins' | 'check upd' | 'action del' | 'action upd';
}

/**
 * A referencing leaf partition and the one referenced leaf that can hold keys of it. Keys are those of `sql/`, so a list of pairs
 * serves as a parameter.
 */
export interface PairOfPartitions {
  /** 1 is the largest. */
  readonly pair: number;
  readonly referencing_oid: number;
  /** Schema-qualified, quoted where needed. */
  readonly referencing: string;
  /** pg_class.relkind: `r` table, `f` foreign table. */
  readonly referencing_kind: string;
  readonly referenced_oid: number;
  readonly referenced: string;
  readonly referenced_kind: string;
  readonly bound: string;
  readonly rows: number;
  readonly bytes: number;
  /** The referencing leaf can hold keys that no referenced leaf holds: both foreign keys refuse them. */
  readonly keys_outside?: boolean;
}

/** A leaf partition that has no partner on the other side. */
export interface Unpaired {
  readonly side: 'referencing' | 'referenced';
  readonly oid: number;
  readonly partition: string;
  readonly kind: string;
  readonly bound: string;
  readonly rows: number;
  /** Only of a referencing partition: the first referenced leaves, by name, that hold keys of it, or may hold some. */
  readonly heldBy?: readonly string[];
  /** Why it has no partner, as the end of a sentence. */
  readonly why?: string;
  /** It can hold no complete key, only NULL in a column of the foreign key. */
  readonly keyless?: boolean;
  /** False where the foreign key lets every row pass that it can hold. */
  readonly needsPair?: boolean;
}

/** A partition of either table, for the queries that compare bounds: `sql/catalog/pairs.sql` says what each is. */
export interface TreeNode {
  readonly side: 'referencing' | 'referenced';
  readonly oid: number;
  readonly parent: number;
  readonly leaf: boolean;
  readonly name: string;
  readonly spec: string | null;
  readonly strategy: string | null;
  readonly positions: unknown;
  readonly bound: string | null;
}

/** A pair of a migration in the ledger, as far as it is compared with the catalog. */
export interface NotedPair {
  readonly referencing_oid: number;
  readonly referenced_oid: number;
  readonly constraint_added: boolean;
}

/** The name that a rollback gives to a pair FK. */
export interface FormerName {
  readonly referencing_oid: number;
  readonly referenced_oid: number;
  readonly name: string;
}

/** Each thing that the ledger's schema is made of, by its kind and name -> what it is. */
export type LedgerShape = Readonly<Record<string, string>>;

/** Whether the ledger belongs to this database; `sql/ledger/link.sql` says what each is. */
export type LinkState = 'linked' | 'renamed' | 'unsure' | 'unlinked' | 'elsewhere';

/** A setting that only a superuser may set, and that has another value than ours. */
export interface UnpinnedSetting {
  readonly name: string;
  readonly value: string;
  readonly wanted: string;
}

export interface AuroraReader {
  readonly server_id: string;
  /** Milliseconds; null where Aurora does not say. */
  readonly lag_ms: number | null;
}

export type LockMode = 'SHARE UPDATE EXCLUSIVE' | 'SHARE ROW EXCLUSIVE' | 'ACCESS EXCLUSIVE';

/** Kinds of rows of `sql/checks/hazards.sql`, which explains them. */
export type Hazard =
  | 'wraparound-vacuum'
  | 'unchecked-writes'
  | 'probe-trigger'
  | 'publication'
  | 'invalid-index'
  | 'broken-children'
  | 'unenforced-foreign-key'
  | 'identical-foreign-key'
  | 'child-constraint';
