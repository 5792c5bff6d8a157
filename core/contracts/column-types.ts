/**
 * Types of columns that PostgreSQL describes only as json or text. The header of a file in `sql/` names them (`-- types: firing
 * AlwaysFiring[]`), and the module that `npm run sql:types` generates imports them. They are not checked against the query: a
 * change of its `jsonb_build_object` needs the same change here.
 */
import type { AcceptedFinding, PairState } from './documents.ts';
import type { ExecutionInput } from './execution-input.ts';
import type { Starter } from './person.ts';

export type { KeptOptions } from './decisive-options.ts';
export type { PairState, Rehearsal, Severity, Verification } from './documents.ts';
export type { LockHolder } from './errors.ts';
export type { Starter } from './person.ts';
export type { HeldLock, RecordedPlan, TrailMigration } from './trail.ts';

/** State of a migration in the ledger. */
export type MigrationState = 'running' | 'paused' | 'migrated' | 'rolling-back' | 'rolled-back';

/** The options of an execution, as the ledger keeps them for the steps. */
export type MigrationOptions = Omit<
  ExecutionInput,
  'table' | 'constraint' | 'operation' | 'migrationId' | 'dryRun' | 'relink'
> & {
  /** When this execution made its plan, ISO 8601. `forecastSeconds` is how many seconds of work it forecast. */
  readonly plannedAt?: string;
  readonly accepted?: readonly AcceptedFinding[];
  /** Who has started executions of this migration; the ledger appends to it. */
  readonly starters?: readonly Starter[];
  /** Owners whose code was trusted when the plan was made: a record, for approvals. The owners that count are those of the environment. */
  readonly trustedOwners?: readonly string[];
  readonly forecastSeconds?: number;
  /** Names of the executions that reconciliation has started to roll back, or is about to start; the ledger appends to it. */
  readonly rollbackNames?: readonly string[];
  /** What `throttle` and `hold` have set since the execution began; read it with `paceOf` (core/contracts/pace.ts). */
  readonly pace?: unknown;
};

/** A scan of all rows of a pair that found no orphan. */
export interface Proof {
  /** `validate`: VALIDATE CONSTRAINT, which this migration ran to its end; `count`: a count of the orphans. */
  readonly by: 'validate' | 'count';
  /** When it began, ISO 8601. */
  readonly at: string;
  /** The triggers of the pair FK at that time, as `p2pfk.triggers_of` writes them (sql/ledger/functions.sql). */
  readonly triggers: string;
  /** Of a count: writes that no foreign key checks were to be expected then (`sql/checks/proofs.sql`). Absent: they were not, or it is not known. */
  readonly unchecked?: boolean;
}

/** How many pairs of a migration are in each state; states that no pair is in are absent. */
export type PairCounts = Readonly<Partial<Record<PairState, number>>>;

/** Why a migration paused or is being rolled back. */
export interface NotedError {
  readonly name: string;
  readonly message: string;
}

/** A trigger of a foreign key that fires ALWAYS, even where session_replication_role is replica. */
export interface AlwaysFiring {
  /** Oid of the table or partition. */
  readonly relation: number;
  readonly kind: 'check ins' | 'check upd' | 'action del' | 'action upd';
}

/**
 * A referencing leaf partition, and the one referenced leaf that can hold its keys. Names of keys are those that `sql/` uses, so
 * a list of pairs serves as a parameter.
 */
export interface PairOfPartitions {
  /** Number of the pair; 1 is the largest. */
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
  /** Whether the referencing leaf accepts keys that no referenced leaf can hold; both foreign keys refuse them. */
  readonly keys_outside?: boolean;
}

/** A leaf partition that is in no pair. */
export interface Unpaired {
  readonly side: 'referencing' | 'referenced';
  readonly oid: number;
  readonly partition: string;
  readonly kind: string;
  readonly bound: string;
  readonly rows: number;
  /** For a referencing partition only: the first referenced leaves, by name, that hold keys of it, or may hold some. */
  readonly heldBy?: readonly string[];
  /** Why it is in no pair, as the end of a sentence. */
  readonly why?: string;
  /** Whether it can hold no complete key, only NULL in a column of the foreign key. */
  readonly keyless?: boolean;
  /** False where the foreign key accepts every row that it can hold. */
  readonly needsPair?: boolean;
}

/** An index of a partitioned table. */
export interface TableIndex {
  readonly name: string;
  /** Of a unique index: the number of its columns. */
  readonly keys: number | null;
  /** Oids of the leaf partitions, and of the tables above them, that have a valid part of it. */
  readonly parts: readonly number[];
}

/** A partition of either table, for the queries that compare bounds. `sql/catalog/pairs.sql` explains the keys. */
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

/** A pair of a migration in the ledger: the keys that are compared with the catalog. */
export interface NotedPair {
  readonly referencing_oid: number;
  readonly referenced_oid: number;
  readonly constraint_added: boolean;
}

/** The name that a rollback gives back to a pair FK. */
export interface FormerName {
  readonly referencing_oid: number;
  readonly referenced_oid: number;
  readonly name: string;
}

/** The parts of the ledger's schema. Shape: kind and name -> description. */
export type LedgerShape = Readonly<Record<string, string>>;

/** Whether the ledger belongs to this database. `sql/ledger/link.sql` explains the values. */
export type LinkState = 'linked' | 'renamed' | 'unsure' | 'unlinked' | 'elsewhere';

/** A setting that only a superuser may change, and that has another value than p2pfk needs. */
export interface UnpinnedSetting {
  readonly name: string;
  readonly value: string;
  readonly wanted: string;
}

/** A setting with which a session begins, where that is not PostgreSQL's own default. */
export interface StartSetting {
  readonly name: string;
  readonly value: string;
}

/** A reader of an Aurora cluster. */
export interface AuroraReader {
  readonly server_id: string;
  /** Lag in milliseconds; null where Aurora does not report it. */
  readonly lag_ms: number | null;
}

/** Modes of the table locks that p2pfk requests explicitly. */
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
