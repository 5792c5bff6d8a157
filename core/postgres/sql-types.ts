/** What the queries of `sql/` take and return, as PostgreSQL describes it. Written by `npm run sql:types`: change sql/ instead. */
import type {
  AlwaysFiring,
  AuroraReader,
  FormerName,
  Hazard,
  HeldLock,
  KeptOptions,
  LedgerShape,
  LinkState,
  LockHolder,
  LockMode,
  MigrationOptions,
  MigrationState,
  NotedError,
  NotedPair,
  PairCounts,
  PairOfPartitions,
  PairState,
  Proof,
  RecordedPlan,
  Rehearsal,
  Severity,
  StartSetting,
  TableIndex,
  TrailMigration,
  TreeNode,
  Unpaired,
  UnpinnedSetting,
  Verification,
} from '../contracts/column-types.ts';

/** It is sent as JSON text; a string is JSON text already. */
export type Json = object | string;

/** By the name of the file, as `catalog/pairs`. */
export interface Queries {
  'audit/invalid-indexes': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
      }[];
      readonly column_names: readonly (number | string)[];
    };
    readonly row: {
      readonly pair: number;
      readonly index_name: string;
      readonly owned: boolean;
    };
  };
  'audit/leaf-foreign-keys': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly columns: string;
      readonly referenced_columns: string;
      readonly actions: string;
      readonly column_names: readonly (number | string)[];
    };
    readonly row: {
      readonly constraint_oid: number;
      readonly constraint_name: string;
      readonly referencing_oid: number;
      readonly referencing: string;
      readonly referenced_oid: number;
      readonly referenced: string;
      readonly referenced_kind: string;
      readonly in_tree: boolean;
      readonly definition: string;
      readonly shaped: boolean;
    };
  };
  'audit/ledger-migrations': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly id: string;
      readonly table_oid: number;
      readonly table_name: string;
      readonly referenced_oid: number;
      readonly referenced_name: string;
      readonly constraint_name: string;
      readonly definition: string;
      readonly comment: string | null;
      readonly columns: string;
      readonly referenced_columns: string;
      readonly column_names: string[];
      readonly referenced_column_names: string[];
      readonly actions: string;
      readonly state: MigrationState;
      readonly execution: string;
      readonly options: MigrationOptions;
      readonly role: string;
      readonly started_at: Date | number;
      readonly updated_at: Date | number;
      readonly lease_until: Date | number;
      readonly approval_asked_at: Date | number | null;
      readonly approved_at: Date | number | null;
      readonly approved_by: string | null;
      readonly rehearsal: Rehearsal | null;
      readonly fenced_at: Date | number | null;
      readonly dropped_at: Date | number | null;
      readonly finished_at: Date | number | null;
      readonly locked_ms: number | null;
      readonly verification: Verification | null;
      readonly error: NotedError | null;
      readonly plan: RecordedPlan | null;
      readonly firing: AlwaysFiring[];
      readonly endpoint: string | null;
      readonly liveness_key: string | null;
      readonly started_by: string | null;
      readonly reason: string | null;
      readonly approval_reason: string | null;
      readonly approved_login: string | null;
      readonly approval_withdrawn_at: Date | number | null;
      readonly approval_withdrawn_by: string | null;
      readonly approval_withdrawn_reason: string | null;
      readonly approval_withdrawn_login: string | null;
      readonly approved_options: unknown;
      readonly tables_exist: boolean;
      readonly table_oid_now: number | null;
      readonly referenced_oid_now: number | null;
      readonly table_name_now: string;
      readonly referenced_name_now: string;
      readonly constraint_oid: number | null;
    };
  };
  'audit/lone-partitions': {
    readonly values: {
      readonly relations: readonly (number | string)[];
    };
    readonly row: {
      readonly oid: number;
      readonly schema: string;
      readonly name: string;
      readonly parent_oid: number;
    };
  };
  'audit/other-guards': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly referenced_oid: number;
      readonly relation: string;
      readonly sql: string;
    };
  };
  'audit/pair-triggers': {
    readonly values: {
      readonly firing: Json;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly constraint_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly trigger: string;
      readonly relation: string;
      readonly fires: boolean;
    };
  };
  'audit/parent-foreign-key-stands': {
    readonly values: {
      readonly table_oid: number;
      readonly referenced_oid: number;
      readonly column_names: readonly (number | string)[];
    };
    readonly row: {
      readonly stands: boolean;
    };
  };
  'audit/shapes-of-pairs': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
      readonly referencing_oid: number;
      readonly column_names: readonly (number | string)[];
    };
    readonly row: {
      readonly definition: string;
      readonly pairs: number;
      readonly partition: string;
      readonly vouched: boolean;
      readonly remedy: string;
    };
  };
  'audit/tables-with-pair-foreign-keys': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly table_oid: number;
      readonly table_name: string;
      readonly stranger: string | null;
    };
  };
  'audit/unprotected-partitions': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
      readonly columns: string;
      readonly referenced_columns: string;
      readonly actions: string;
      readonly firing: Json;
    };
    readonly row: {
      readonly partition: string;
    };
  };
  'catalog/attached-pairs': {
    readonly values: {
      readonly referencing_oid: number;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
    };
  };
  'catalog/bound-ranks-query': {
    readonly values: {
      readonly tree: readonly {
        readonly side: string | null;
        readonly oid: number | null;
        readonly parent: number | null;
        readonly spec: string | null;
        readonly strategy: string | null;
        readonly bound: string | null;
      }[];
    };
    readonly row: {
      readonly sql: string | null;
    };
  };
  'catalog/containment': {
    readonly values: {
      readonly tree: readonly {
        readonly side: string | null;
        readonly oid: number | null;
        readonly parent: number | null;
        readonly leaf: boolean | null;
        readonly name: string | null;
        readonly spec: string | null;
        readonly strategy: string | null;
        readonly positions: unknown;
        readonly bound: string | null;
      }[];
      readonly ranks: readonly {
        readonly node: number | null;
        readonly n: number | null;
        readonly rank: number | null;
        readonly edge: number | null;
      }[];
      readonly unpaired: Json;
      readonly actions: string;
      readonly column_names: Json;
      readonly referenced_oid: number;
      readonly pairs: Json;
    };
    readonly row: {
      readonly pairs: PairOfPartitions[];
      readonly unpaired: Unpaired[];
    };
  };
  'catalog/current-names': {
    readonly values: {
      readonly constraint_name: string;
      readonly table_oid: number;
    };
    readonly row: {
      readonly table: string;
      readonly constraint: string;
    };
  };
  'catalog/deadlock-timeout': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly deadlock_timeout_ms: number;
      readonly own_deadlock_timeout_ms: number;
    };
  };
  'catalog/fingerprint': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly own_indexes: readonly {
        readonly relation: number | null;
        readonly name: string | null;
      }[];
      readonly constraint_oid: string;
    };
    readonly row: {
      readonly kind: string;
      readonly name: string;
      readonly value: string;
    };
  };
  'catalog/foreign-key-shape': {
    readonly values: {
      readonly constraint_oid: number;
    };
    readonly row: {
      readonly constraint_name: string;
      readonly table_oid: number;
      readonly referenced_oid: number;
      readonly definition: string;
      readonly full_definition: string;
      readonly columns: string;
      readonly referenced_columns: string;
      readonly column_names: string[];
      readonly referenced_column_names: string[];
      readonly actions: string;
      readonly understood: boolean;
      readonly on_delete: string;
      readonly on_update: string;
      readonly comment: string | null;
      readonly firing: AlwaysFiring[];
    };
  };
  'catalog/foreign-keys': {
    readonly values: {
      readonly table_oid: number;
    };
    readonly row: {
      readonly table_oid: number;
      readonly table_name: string;
      readonly table_kind: string;
      readonly table_is_partition: boolean;
      readonly constraint_oid: number | null;
      readonly constraint_name: string | null;
      readonly constraint_ident: string | null;
      readonly validated: boolean | null;
      readonly temporal: boolean;
      readonly referenced_oid: number | null;
      readonly referenced_name: string | null;
      readonly referenced_kind: string | null;
    };
  };
  'catalog/guard-number': {
    readonly values: {
      readonly pairs: readonly {
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly guard_number: string;
    };
  };
  'catalog/index-size': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly rows: number | null;
      }[];
      readonly column_names: readonly (number | string)[];
    };
    readonly row: {
      readonly bytes: number;
    };
  };
  'catalog/is-validated': {
    readonly values: {
      readonly constraint_oid: number;
    };
    readonly row: {
      readonly validated: boolean;
    };
  };
  'catalog/leaf-privileges': {
    readonly values: {
      readonly relations: readonly (number | string)[];
    };
    readonly row: {
      readonly partition: string;
      readonly owned: boolean;
      readonly can_select: boolean;
    };
  };
  'catalog/leaf-to-parent-foreign-keys': {
    readonly values: {
      readonly table_oid: number;
    };
    readonly row: {
      readonly definition: string;
      readonly partitions: number;
      readonly first: string;
    };
  };
  'catalog/may-change-code': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly by_owner: boolean;
      readonly may: boolean;
    };
  };
  'catalog/may-have-pair-foreign-key': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly possible: boolean;
    };
  };
  'catalog/migrated-foreign-keys': {
    readonly values: {
      readonly table_oid: number;
    };
    readonly row: {
      readonly referenced_oid: number;
      readonly referenced_name: string;
      readonly columns: string;
      readonly referenced_columns: string;
      readonly column_names: string[];
      readonly referenced_column_names: string[];
      readonly actions: string;
      readonly pairs: number;
      readonly definition: string;
    };
  };
  'catalog/other-tables-of-that-name': {
    readonly values: {
      readonly schemas: readonly (number | string)[];
      readonly table_oid: number;
      readonly table: string;
    };
    readonly row: {
      readonly found: string;
      readonly others: string | null;
    };
  };
  'catalog/other-target': {
    readonly values: {
      readonly referencing_oid: number;
      readonly column_names: readonly (number | string)[];
      readonly referenced_column_names: readonly (number | string)[];
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly other: string;
    };
  };
  'catalog/pair-indexes': {
    readonly values: {
      readonly referenced_oid: number;
      readonly referencing_oid: number;
      readonly column_names: Json;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly constraint_oid: number | null;
        readonly leaf_constraint_oid: number | null;
        readonly index_name: string | null;
        readonly index_leftover: boolean | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly has_index: boolean;
      readonly index_name: string;
      readonly index_leftover: boolean;
      readonly index_columns: string;
    };
  };
  'catalog/pair-states': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly constraint_name: string;
      readonly columns: string;
      readonly referenced_columns: string;
      readonly column_names: Json;
      readonly actions: string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_name: string | null;
        readonly constraint_added: boolean | null;
        readonly index_name: string | null;
        readonly index_added: boolean | null;
        readonly taken: unknown;
        readonly salt: string | null;
      }[];
      readonly firing: Json;
    };
    readonly row: {
      readonly pair: number;
      readonly constraint_oid: number | null;
      readonly constraint_name: string;
      readonly validated: boolean;
      readonly enforced: boolean;
      readonly index_name: string;
      readonly index_leftover: boolean;
      readonly root_constraint: string | null;
      readonly leaf_constraint_oid: number | null;
      readonly leaf_constraint_validated: boolean;
    };
  };
  'catalog/pairs': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly column_names: Json;
      readonly referenced_column_names: Json;
    };
    readonly row: {
      readonly pairs: PairOfPartitions[];
      readonly unpaired: Unpaired[];
      readonly tree: TreeNode[] | null;
    };
  };
  'catalog/pairs-of-partitions': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly referencing_oid: number;
      readonly referencing: string;
      readonly referencing_kind: string;
      readonly referenced_oid: number;
      readonly referenced: string;
      readonly referenced_kind: string;
      readonly bound: string;
      readonly rows: number;
      readonly bytes: number;
    };
  };
  'catalog/partitioning': {
    readonly values: {
      readonly referenced_oid: number;
      readonly referenced_column_names: readonly (number | string)[];
      readonly column_names: Json;
      readonly referencing_oid: number;
    };
    readonly row: {
      readonly oid: number;
      readonly name: string;
      readonly strategy: string;
      readonly key_columns: (string | null)[];
      readonly key_routing: (string | null)[];
      readonly has_expressions: boolean;
      readonly owned: boolean;
      readonly owner: string;
      readonly can_select: boolean;
      readonly can_reference: boolean;
    };
  };
  'catalog/resolve-table': {
    readonly values: {
      readonly table: string;
    };
    readonly row: {
      readonly table_oid: number;
      readonly schemas: string[];
    };
  };
  'catalog/role-of-database': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly foreign_role: string;
    };
  };
  'catalog/row-movement-guards': {
    readonly values: {
      readonly migration_id: string;
    };
    readonly row: {
      readonly pair: number;
      readonly referenced_oid: number;
      readonly relation: string;
      readonly old: boolean;
    };
  };
  'catalog/server': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly version: string;
      readonly version_num: number;
      readonly in_recovery: boolean;
      readonly role: string;
      readonly session_user: string;
      readonly database: string;
      readonly can_create_schema: boolean;
      readonly ledger_exists: boolean;
      readonly can_use_ledger: boolean;
      readonly lock_table_capacity: number;
      readonly maintenance_work_mem: number;
      readonly effective_cache_size: number;
      readonly work_mem: number;
      readonly parallel_workers: number;
    };
  };
  'catalog/tables-instead': {
    readonly values: {
      readonly table_oid: number;
    };
    readonly row: {
      readonly is_root: boolean;
      readonly table_name: string;
      readonly constraints: string[];
      readonly parent_keys: number;
    };
  };
  'catalog/tables-to-name': {
    readonly values: {
      readonly length: number;
    };
    readonly row: {
      readonly schema: string;
      readonly name: string;
      readonly ident: string;
    };
  };
  'catalog/unguarded-pairs': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referenced_oid: number | null;
        readonly seen: string | null;
      }[];
      readonly migration_id: string;
    };
    readonly row: {
      readonly pair: number;
      readonly referenced_oid: number;
      readonly taken: boolean;
    };
  };
  'catalog/untrusted-code': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly code: string;
      readonly owner: string;
      readonly session_role: string;
      readonly remedy: string;
    };
  };
  'catalog/write-activity': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly inserts: number;
      readonly deletes: number;
      readonly seconds: number;
      readonly since: string;
    };
  };
  'checks/activity': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly kind: string;
      readonly id: string;
      readonly owner: string | null;
      readonly seconds: number;
    };
  };
  'checks/aurora-replicas': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly is_aurora: boolean;
      readonly aurora: AuroraReader[];
    };
  };
  'checks/awaits-standby': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly awaits: boolean;
    };
  };
  'checks/blockers': {
    readonly values: {
      readonly blocking_queries: boolean;
      readonly pid: number;
      readonly ours: readonly (number | string)[];
    };
    readonly row: {
      readonly pid: number;
      readonly user: string | null;
      readonly application: string | null;
      readonly state: string | null;
      readonly since: string | null;
      readonly query: string | null;
    };
  };
  'checks/confirm-on-standby': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly lsn: string;
    };
  };
  'checks/cost-to-others': {
    readonly values: {
      readonly relations: readonly (number | string)[];
    };
    readonly row: {
      readonly is_aurora: boolean;
      readonly wal_bytes: number | null;
      readonly read_bytes: number | null;
      readonly replica_lag_seconds: number | null;
    };
  };
  'checks/delete-lookups': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly constraint_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly constraint_oid: number;
      readonly referencing_oid: number;
      readonly columns: number[];
      readonly varying: number[];
      readonly types: string;
      readonly nulls: string;
      readonly sql: string;
      readonly lock_sql: string;
    };
  };
  'checks/delete-probe': {
    readonly values: {
      readonly constraint_oid: string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_oid: number | null;
      }[];
      readonly leaving_oid: string;
      readonly fan_out: number;
      readonly rows: number;
    };
    readonly row: {
      readonly pair: number;
      readonly referenced: string;
      readonly obstacle: string | null;
      readonly filled: boolean;
      readonly lock: string;
      readonly choose: string;
      readonly delete: string;
      readonly fire: string | null;
    };
  };
  'checks/delete-verdict': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing: string | null;
        readonly referenced: string | null;
        readonly constraint_oid: number | null;
      }[];
      readonly proofs: Json;
      readonly outcome: Json;
      readonly no_indexes: boolean;
    };
    readonly row: {
      readonly passed: boolean;
      readonly detail: string;
    };
  };
  'checks/doctor': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly sees_all: boolean;
      readonly server_settings: StartSetting[];
      readonly keys: number;
      readonly owned: number;
      readonly most_leaves: number;
      readonly max_connections: number;
      readonly used_connections: number;
      readonly role_limit: number;
      readonly database_limit: number;
    };
  };
  'checks/drop-fingerprint': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly constraint_oid: string;
    };
    readonly row: {
      readonly before: string;
      readonly after: string;
      readonly parent_exists: boolean;
    };
  };
  'checks/emptiness': {
    readonly values: {
      readonly relations: readonly (number | string)[];
      readonly actions: string;
      readonly column_names: readonly (number | string)[];
    };
    readonly row: {
      readonly oid: number;
      readonly sql: string;
    };
  };
  'checks/end-standby-wait': {
    readonly values: {
      readonly pid: number;
    };
    readonly row: {
      readonly ended: boolean;
    };
  };
  'checks/firing-changes': {
    readonly values: {
      readonly constraint_oid: string;
      readonly firing: Json;
    };
    readonly row: {
      readonly firing_changed: boolean;
    };
  };
  'checks/foreign-key-targets': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
      readonly columns: string;
      readonly referenced_columns: string;
      readonly actions: string;
    };
    readonly row: {
      readonly name: string;
      readonly referencing_oid: number;
      readonly referencing: string;
      readonly referenced: string;
    };
  };
  'checks/hazards': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly constraint_oid: string;
      readonly column_names: Json;
      readonly definition: string;
    };
    readonly row: {
      readonly kind: Hazard;
      readonly relation: string;
      readonly detail: string;
    };
  };
  'checks/in-flight': {
    readonly values: {
      readonly pids: readonly (number | string)[];
    };
    readonly row: {
      readonly busy: boolean;
    };
  };
  'checks/index-progress': {
    readonly values: {
      readonly pid: number;
    };
    readonly row: {
      readonly phase: string;
      readonly percent: number | null;
    };
  };
  'checks/load': {
    readonly values: {
      readonly ours: readonly (number | string)[];
    };
    readonly row: {
      readonly load_visible: boolean;
      readonly standbys: number;
      readonly replica_lag_seconds: number;
      readonly active_sessions: number;
      readonly snapshot_seconds: number | null;
      readonly snapshot_of: string | null;
    };
  };
  'checks/lock-holders': {
    readonly values: {
      readonly relations: readonly (number | string)[];
      readonly mode: string;
      readonly blocking_queries: boolean;
    };
    readonly row: {
      readonly pid: number;
      readonly user: string | null;
      readonly application: string | null;
      readonly state: string | null;
      readonly since: string | null;
      readonly mode: string;
      readonly relation: string;
      readonly relation_oid: number;
      readonly autovacuum: LockHolder['autovacuum'] | null;
      readonly query: string | null;
    };
  };
  'checks/lookup-proofs': {
    readonly values: {
      readonly lookups: readonly {
        readonly pair: number | null;
        readonly constraint_oid: number | null;
        readonly referencing_oid: number | null;
        readonly columns: unknown;
        readonly varying: unknown;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly constraint_oid: string;
      readonly index_oid: string | null;
      readonly rows: number;
    };
  };
  'checks/not-locked': {
    readonly values: {
      readonly relations: readonly (number | string)[];
    };
    readonly row: {
      readonly relation_oid: number;
    };
  };
  'checks/not-migrated': {
    readonly values: {
      readonly constraint_oid: string;
      readonly table: string;
      readonly constraint_name: string;
      readonly referenced_table: string;
      readonly migration_id: string;
      readonly pairs: readonly {
        readonly constraint_oid: number | null;
      }[];
    };
    readonly row: {
      readonly refusal: string | null;
    };
  };
  'checks/old-holder': {
    readonly values: {
      readonly relations: readonly (number | string)[];
      readonly seconds: number;
    };
    readonly row: {
      readonly in_vain: boolean;
    };
  };
  'checks/orphans': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_oid: number | null;
      }[];
      readonly like_constraint_oid: string;
    };
    readonly row: {
      readonly pair: number;
      readonly lock_sql: string;
      readonly code_lock_sql: string;
      readonly referencing: string;
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly sql: string;
    };
  };
  'checks/other-constraints': {
    readonly values: {
      readonly constraints: readonly {
        readonly oid: number | null;
        readonly name: string | null;
        readonly relation_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly name: string;
    };
  };
  'checks/own-strong-locks': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly lock: string;
    };
  };
  'checks/parent-foreign-keys': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly definition: string;
    };
    readonly row: {
      readonly oid: number;
      readonly name: string;
      readonly relation: string;
      readonly relation_oid: number;
      readonly on_root: boolean;
      readonly definition: string;
      readonly validated: boolean;
      readonly comment: string | null;
    };
  };
  'checks/plain-owners': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
      readonly referencing_oid: number;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly plain: boolean;
    };
  };
  'checks/proofs': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_oid: number | null;
      }[];
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly pair: number;
      readonly ledger_pair: number | null;
      readonly orphans: number | null;
      readonly is_counted: boolean;
      readonly proof: Proof | null;
      readonly triggers: string | null;
      readonly unchanged: boolean;
      readonly unchecked_writes: boolean;
      readonly now: Date | number;
      readonly age_seconds: number | null;
      readonly before_approval_seconds: number | null;
    };
  };
  'checks/reader': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly in_recovery: boolean;
      readonly sees_all: boolean;
      readonly streaming_delay: string;
    };
  };
  'checks/reader-holders': {
    readonly values: {
      readonly relations: readonly (number | string)[];
      readonly older_than_ms: number;
      readonly blocking_queries: boolean;
    };
    readonly row: {
      readonly pid: number;
      readonly user: string | null;
      readonly application: string | null;
      readonly state: string | null;
      readonly since: string | null;
      readonly mode: string;
      readonly relation: string;
      readonly autovacuum: LockHolder['autovacuum'] | null;
      readonly query: string | null;
    };
  };
  'checks/session-tls': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly ssl: boolean;
      readonly ssl_version: string | null;
    };
  };
  'checks/session-works': {
    readonly values: {
      readonly pid: number;
    };
    readonly row: {
      readonly works: boolean;
    };
  };
  'checks/tables-only': {
    readonly values: {
      readonly kinds: string;
    };
    readonly row: {
      readonly ignored: string;
    };
  };
  'checks/terminate-idle': {
    readonly values: {
      readonly pids: readonly (number | string)[];
      readonly seconds: number;
      readonly ours: readonly (number | string)[];
    };
    readonly row: {
      readonly pid: number;
      readonly terminated: boolean;
    };
  };
  'demo/count-paths': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly partition: string;
      readonly rows: string;
    };
  };
  'demo/create-partitions': {
    readonly values: {
      readonly inode_partition: string;
      readonly medium_hash: string;
      readonly path_partition: string | null;
    };
    readonly row: {
      readonly statement: string;
    };
  };
  'demo/delete-inodes': {
    readonly values: {
      readonly inode_partition: string;
      readonly rows: number | string;
    };
    readonly row: {
      readonly statement: string;
    };
  };
  'demo/detach-and-attach': {
    readonly values: {
      readonly path_partition: string;
      readonly inode_partition: string;
      readonly medium_hash: string;
    };
    readonly row: {
      readonly statement: string;
    };
  };
  'demo/drop-pair-foreign-key': {
    readonly values: {
      readonly path_partition: string;
      readonly inode_partition: string;
    };
    readonly row: {
      readonly statement: string;
    };
  };
  'demo/insert-orphans': {
    readonly values: {
      readonly medium_hash: string;
      readonly rows: number | string;
    };
    readonly row: Record<never, never>;
  };
  'demo/load-inodes': {
    readonly values: {
      readonly medium_hash: string;
      readonly inodes: number | string;
    };
    readonly row: Record<never, never>;
  };
  'demo/load-paths': {
    readonly values: {
      readonly medium_hash: string;
      readonly inodes: number | string;
      readonly paths: number | string;
    };
    readonly row: Record<never, never>;
  };
  'demo/media': {
    readonly values: {
      readonly rows: number | string;
    };
    readonly row: {
      readonly n: number;
      readonly medium_hash: string;
      readonly inode_partition: string;
      readonly path_partition: string | null;
      readonly paths: string;
      readonly inodes: string;
    };
  };
  'demo/switch-triggers': {
    readonly values: {
      readonly path_partition: string;
    };
    readonly row: {
      readonly off: string;
      readonly on: string;
    };
  };
  'demo/truncate-inodes': {
    readonly values: {
      readonly inode_partition: string;
    };
    readonly row: {
      readonly statement: string;
    };
  };
  'findings/action-on-partition-key': {
    readonly values: {
      readonly constraint_oid: string;
      readonly referencing_oid: number;
      readonly table: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/always-triggers': {
    readonly values: {
      readonly firing: readonly {
        readonly relation: number | null;
      }[];
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/constraint-name': {
    readonly values: {
      readonly constraint_name: string;
      readonly final_names: readonly {
        readonly constraint_name: string | null;
      }[];
      readonly constraint_oid: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/default-differs': {
    readonly values: {
      readonly constraint_oid: string;
      readonly referencing_oid: number;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
      }[];
      readonly table: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/disabled-trigger': {
    readonly values: {
      readonly constraint_oid: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/event-trigger': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/foreign-key-order': {
    readonly values: {
      readonly referencing_oid: number;
      readonly pairs: readonly {
        readonly referenced_oid: number | null;
      }[];
      readonly constraint_oid: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/guard-in-default': {
    readonly values: {
      readonly pairs: readonly {
        readonly referenced_oid: number | null;
      }[];
      readonly options: Json;
      readonly actions: string;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/guard-name-taken': {
    readonly values: {
      readonly pairs: readonly {
        readonly referenced_oid: number | null;
      }[];
      readonly guard_number: string;
      readonly options: Json;
      readonly actions: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/keys-outside-partner': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing: string | null;
        readonly referenced: string | null;
        readonly bound: string | null;
        readonly keys_outside: boolean | null;
      }[];
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/leaf-in-two-pairs': {
    readonly values: {
      readonly referenced_table: string;
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referencing: string | null;
        readonly referenced: string | null;
      }[];
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/leaf-owner': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly table: string;
      readonly referenced_table: string;
      readonly actions: string;
      readonly options: Json;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/leaf-owner-code': {
    readonly values: {
      readonly referencing_oid: number;
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
      }[];
      readonly actions: string;
      readonly column_names: Json;
      readonly table: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/leaf-owner-privilege': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_oid: number | null;
      }[];
      readonly actions: string;
      readonly column_names: Json;
      readonly referenced_column_names: Json;
      readonly constraint_oid: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/leaf-to-parent-foreign-key': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly column_names: readonly (number | string)[];
      readonly table: string;
      readonly referenced_table: string;
      readonly table_argument: string;
      readonly constraint_oid: string;
      readonly ledger: Json;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/ledger-copy': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/ledger-missing': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly constraint_oid: number | null;
        readonly constraint_name: string | null;
      }[];
      readonly ledger: Json;
      readonly constraint_oid: string;
      readonly migration_id: string;
      readonly table: string;
      readonly referenced_table: string;
      readonly constraint_name: string;
      readonly table_argument: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/ledger-outdated': {
    readonly values: {
      readonly ledger: Json;
      readonly migration_id: string;
      readonly constraint_oid: string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing: string | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_oid: number | null;
      }[];
      readonly constraint_name: string;
      readonly table: string;
      readonly table_argument: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/migrating-role': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_oid: number | null;
        readonly has_index: boolean | null;
      }[];
      readonly options: Json;
      readonly referenced_column_names: readonly (number | string)[];
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/missing-guard': {
    readonly values: {
      readonly guards: readonly {
        readonly pair: number | null;
        readonly relation: string | null;
        readonly stands: boolean | null;
        readonly old_firing: string | null;
      }[];
      readonly referenced_table: string;
      readonly actions: string;
      readonly table_argument: string;
      readonly migration_id: string;
      readonly constraint_oid: string;
      readonly ledger: Json;
      readonly pairs: readonly {
        readonly validated: boolean | null;
        readonly enforced: boolean | null;
      }[];
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/not-enforced': {
    readonly values: {
      readonly referenced_table: string;
      readonly table: string;
      readonly constraint_oid: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/null-only-partition': {
    readonly values: {
      readonly unpaired: readonly {
        readonly partition: string | null;
        readonly bound: string | null;
        readonly keyless: boolean | null;
        readonly needsPair: boolean | null;
      }[];
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/other-foreign-keys': {
    readonly values: {
      readonly referenced_oid: number;
      readonly referencing_oid: number;
      readonly constraint_oid: string;
      readonly definition: string;
      readonly referenced_table: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/partition-persistence': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_oid: number | null;
      }[];
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/pending-detach': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/publication-all-tables': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/referenced-key': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_oid: number | null;
      }[];
      readonly referenced_column_names: readonly (number | string)[];
      readonly referenced_columns: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/row-movement': {
    readonly values: {
      readonly actions: string;
      readonly options: Json;
      readonly referenced_table: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/row-security': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
      readonly unpaired: readonly {
        readonly oid: number | null;
        readonly side: string | null;
      }[];
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/rule': {
    readonly values: {
      readonly referencing_oid: number;
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/set-constraints': {
    readonly values: {
      readonly constraint_name: string;
      readonly table: string;
      readonly options: Json;
      readonly final_names: readonly {
        readonly constraint_name: string | null;
        readonly beside_root: boolean | null;
      }[];
      readonly constraint_oid: string;
      readonly actions: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/standby-readers': {
    readonly values: {
      readonly readers: readonly {
        readonly name: string | null;
        readonly streaming_delay: string | null;
      }[];
      readonly aurora: Json;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/statement-trigger': {
    readonly values: {
      readonly constraint_oid: string;
      readonly referencing_oid: number;
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
      }[];
      readonly table: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/trigger-after-guard': {
    readonly values: {
      readonly referenced_table: string;
      readonly pairs: readonly {
        readonly referenced_oid: number | null;
      }[];
      readonly options: Json;
      readonly actions: string;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/trigger-privilege': {
    readonly values: {
      readonly actions: string;
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
      readonly options: Json;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/trusted-owner': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'findings/unpaired-empty-partition': {
    readonly values: {
      readonly unpaired: readonly {
        readonly side: string | null;
        readonly oid: number | null;
        readonly partition: string | null;
        readonly bound: string | null;
        readonly why: string | null;
        readonly keyless: boolean | null;
        readonly heldBy: unknown;
      }[];
      readonly filled: readonly (number | string)[];
    };
    readonly row: {
      readonly id: string;
      readonly severity: Severity;
      readonly needs_acceptance: boolean;
      readonly message: string;
      readonly remedy: string;
    };
  };
  'kept/left-behind': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly locks: number;
      readonly statements: string[];
      readonly by_sql: number;
    };
  };
  'kept/origin': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly origin: string;
      readonly is_other_role: boolean;
    };
  };
  'ledger/add-pairs': {
    readonly values: {
      readonly migration_id: number | string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referencing: string | null;
        readonly referenced_oid: number | null;
        readonly referenced: string | null;
        readonly bound: string | null;
        readonly rows: number | string | null;
        readonly bytes: number | string | null;
        readonly constraint_name: string | null;
        readonly index_name: string | null;
        readonly root_constraint: string | null;
      }[];
    };
    readonly row: Record<never, never>;
  };
  'ledger/adopt-migration': {
    readonly values: {
      readonly guard_number: number | string;
      readonly referencing_oid: number;
      readonly table: string;
      readonly referenced_oid: number;
      readonly referenced_table: string;
      readonly constraint_name: string;
      readonly definition: string;
      readonly comment: string | null;
      readonly columns: string;
      readonly referenced_columns: string;
      readonly column_names: Json;
      readonly referenced_column_names: Json;
      readonly actions: string;
      readonly dropped: boolean;
      readonly execution: string;
      readonly options: Json;
      readonly firing: Json;
      readonly error: Json;
    };
    readonly row: {
      readonly id: string;
      readonly last_number: string;
    };
  };
  'ledger/adopt-pairs': {
    readonly values: {
      readonly constraint_name: string;
      readonly former_names: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly name: string | null;
      }[];
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_oid: number | null;
        readonly constraint_name: string | null;
        readonly validated: boolean | null;
      }[];
      readonly migration_id: number | string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/adopted-firing': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly constraint_oid: number | null;
      }[];
      readonly referencing_oid: number;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly firing: AlwaysFiring[];
    };
  };
  'ledger/adopted-names': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_oid: number | null;
        readonly constraint_name: string | null;
      }[];
      readonly referencing_oid: number;
      readonly wanted: string;
      readonly column_names: readonly (number | string)[];
    };
    readonly row: {
      readonly constraint_name: string;
      readonly refusal: string;
      readonly former_names: FormerName[];
    };
  };
  'ledger/approval': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly id: string;
      readonly state: MigrationState;
      readonly execution: string;
      readonly options: MigrationOptions;
      readonly approved_by: string | null;
      readonly rehearsal: Rehearsal | null;
      readonly approved_options: KeptOptions | null;
      readonly approved_login: string | null;
      readonly approval_reason: string | null;
      readonly login: string;
      readonly role: string;
      readonly dropped: boolean;
      readonly paused_for_it: boolean | null;
      readonly waiting_since: string | null;
      readonly lease_until: string | null;
      readonly approved_at: string | null;
      readonly may_note_more: boolean;
      readonly may_note_events: boolean;
    };
  };
  'ledger/approval-of-drop': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly options: MigrationOptions;
      readonly approved_at: Date | number | null;
      readonly approved_by: string | null;
      readonly approved_login: string | null;
      readonly approved_options: KeptOptions | null;
    };
  };
  'ledger/approve': {
    readonly values: {
      readonly by: string;
      readonly migration_id: number | string;
      readonly anew: boolean;
    };
    readonly row: {
      readonly id: string;
    };
  };
  'ledger/approve-with-reason': {
    readonly values: {
      readonly by: string;
      readonly reason: string | null;
      readonly migration_id: number | string;
      readonly anew: boolean;
    };
    readonly row: {
      readonly id: string;
    };
  };
  'ledger/blocked': {
    readonly values: {
      readonly migration_id: number | string;
      readonly execution: string;
    };
    readonly row: {
      readonly longest_ms: number;
      readonly total_ms: number;
      readonly tries: number;
    };
  };
  'ledger/cancel-statements': {
    readonly values: {
      readonly migration_id: string;
    };
    readonly row: {
      readonly pid: number;
      readonly cancelled: boolean;
    };
  };
  'ledger/change-migration': {
    readonly values: {
      readonly changes: Json;
      readonly migration_id: number | string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/change-pace': {
    readonly values: {
      readonly part: string;
      readonly value: Json | null;
      readonly migration_id: number | string;
      readonly execution: string;
    };
    readonly row: {
      readonly id: string;
    };
  };
  'ledger/change-pair': {
    readonly values: {
      readonly changes: Json;
      readonly migration_id: number | string;
      readonly pair: number;
    };
    readonly row: Record<never, never>;
  };
  'ledger/claim': {
    readonly values: {
      readonly owner: string;
      readonly liveness_key: number | string | null;
      readonly migration_id: number | string;
      readonly execution: string;
      readonly ended: boolean;
      readonly reason: string;
    };
    readonly row: {
      readonly id: string;
    };
  };
  'ledger/claim-run': {
    readonly values: {
      readonly object: number;
      readonly migration_id: number | string;
      readonly liveness_key: number | string;
    };
    readonly row: {
      readonly pid: number;
    };
  };
  'ledger/count-dropped': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly foreign_keys: number;
      readonly indexes: number;
    };
  };
  'ledger/database': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly database_oid: number;
      readonly database_name: string;
      readonly in_recovery: boolean;
      readonly may_ask: boolean;
    };
  };
  'ledger/dead-owners': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly id: string;
      readonly table_name: string;
      readonly state: MigrationState;
      readonly execution: string;
    };
  };
  'ledger/drift': {
    readonly values: {
      readonly expected_shape: Json;
      readonly shape: Json;
    };
    readonly row: {
      readonly drift_refusal: string;
    };
  };
  'ledger/end-run': {
    readonly values: {
      readonly object: number;
      readonly liveness_key: number | string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/entry': {
    readonly values: {
      readonly referencing_oid: number;
      readonly constraint_name: string;
      readonly referenced_oid: number;
      readonly column_names: Json;
      readonly referenced_column_names: Json;
    };
    readonly row: {
      readonly id: string;
      readonly state: MigrationState;
      readonly execution: string;
      readonly role: string;
      readonly is_dropped: boolean;
      readonly constraint_name: string;
      readonly since: string;
      readonly reason: string | null;
      readonly pairs: NotedPair[];
    };
  };
  'ledger/expected-shape': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly expected_shape: LedgerShape;
    };
  };
  'ledger/extend-lease': {
    readonly values: {
      readonly seconds: number;
      readonly liveness_key: number | string | null;
      readonly migration_id: number | string;
      readonly execution: string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/fence': {
    readonly values: {
      readonly migration_id: number | string;
      readonly execution: string;
      readonly error: Json | null;
    };
    readonly row: Record<never, never>;
  };
  'ledger/forget-counts': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/forget-old-counts': {
    readonly values: {
      readonly migration_id: number | string;
      readonly max_age_seconds: number;
    };
    readonly row: Record<never, never>;
  };
  'ledger/forget-pairs': {
    readonly values: {
      readonly migration_id: number | string;
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: Record<never, never>;
  };
  'ledger/gone-pairs': {
    readonly values: {
      readonly migration_id: number | string;
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly referencing_oid: number;
      readonly referencing: string;
      readonly referenced_oid: number;
      readonly referenced: string;
      readonly constraint_name: string;
      readonly constraint_added: boolean;
      readonly index_name: string;
      readonly index_added: boolean;
    };
  };
  'ledger/hand-over': {
    readonly values: {
      readonly stem: string;
      readonly name: string;
      readonly refused: string;
      readonly migration_id: number | string;
      readonly execution: string;
    };
    readonly row: {
      readonly id: string;
      readonly name: string;
    };
  };
  'ledger/handed-over': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly id: string;
      readonly execution: string;
      readonly names: string[];
    };
  };
  'ledger/hold-key': {
    readonly values: {
      readonly liveness_key: number | string;
    };
    readonly row: {
      readonly held: boolean;
    };
  };
  'ledger/hold-row': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly held: string;
    };
  };
  'ledger/insert-migration': {
    readonly values: {
      readonly referencing_oid: number;
      readonly table: string;
      readonly referenced_oid: number;
      readonly referenced_table: string;
      readonly constraint_name: string;
      readonly definition: string;
      readonly comment: string | null;
      readonly columns: string;
      readonly referenced_columns: string;
      readonly column_names: Json;
      readonly referenced_column_names: Json;
      readonly actions: string;
      readonly execution: string;
      readonly options: Json;
      readonly firing: Json;
      readonly liveness_key: number | string | null;
      readonly endpoint: string;
    };
    readonly row: {
      readonly id: string;
    };
  };
  'ledger/last-event': {
    readonly values: {
      readonly migration_id: number | string;
      readonly pair: number;
      readonly step: string;
    };
    readonly row: {
      readonly duration_ms: number | null;
      readonly at: Date | number;
      readonly lock_wait_ms: number | null;
    };
  };
  'ledger/link': {
    readonly values: {
      readonly database_oid: number;
      readonly database_name: string;
      readonly system_identifier: string;
      readonly endpoint: string;
    };
    readonly row: {
      readonly link_state: LinkState;
      readonly endpoint_known: boolean;
      readonly busy: boolean;
      readonly may_remember: boolean;
      readonly link_refusal: string;
      readonly endpoint_refusal: string;
      readonly link_note: string;
    };
  };
  'ledger/link-again': {
    readonly values: {
      readonly system_identifier: string;
      readonly database_name: string;
      readonly endpoint: string;
    };
    readonly row: {
      readonly linked: number;
    };
  };
  'ledger/link-first': {
    readonly values: {
      readonly system_identifier: string;
      readonly database_oid: number;
      readonly database_name: string;
      readonly endpoint: string;
      readonly unmatched: string;
    };
    readonly row: {
      readonly linked: number;
    };
  };
  'ledger/link-older': {
    readonly values: {
      readonly unmatched: string;
      readonly database_name: string;
      readonly database_oid: number;
      readonly system_identifier: string;
      readonly endpoint: string;
    };
    readonly row: {
      readonly link_state: LinkState;
      readonly endpoint_known: boolean;
      readonly busy: boolean;
      readonly may_remember: boolean;
      readonly link_refusal: string;
      readonly endpoint_refusal: string;
      readonly link_note: string;
    };
  };
  'ledger/may-set-sequences': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly may: boolean;
    };
  };
  'ledger/missing-relation': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly name: string;
    };
  };
  'ledger/next-migration': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly id: string;
    };
  };
  'ledger/note-act': {
    readonly values: {
      readonly migration_id: number | string;
      readonly by: string;
      readonly reason: string | null;
      readonly step: string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/note-event': {
    readonly values: {
      readonly pair: string | null;
      readonly step: string;
      readonly sql: string | null;
      readonly waited_ms: string | null;
      readonly blocked_ms: string | null;
      readonly duration_ms: string | null;
      readonly error: string | null;
      readonly migration_id: string | null;
      readonly execution: string | null;
    };
    readonly row: Record<never, never>;
  };
  'ledger/note-firing': {
    readonly values: {
      readonly firing: Json;
      readonly migration_id: number | string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/note-held': {
    readonly values: {
      readonly blocked_ms: number;
      readonly event_id: number | string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/note-plan': {
    readonly values: {
      readonly plan: Json;
      readonly migration_id: number | string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/open-migrations': {
    readonly values: {
      readonly table_oid: number;
    };
    readonly row: {
      readonly id: string;
      readonly table_oid: number;
      readonly table_name: string;
      readonly referenced_oid: number;
      readonly referenced_name: string;
      readonly constraint_name: string;
      readonly definition: string;
      readonly comment: string | null;
      readonly columns: string;
      readonly referenced_columns: string;
      readonly column_names: string[];
      readonly referenced_column_names: string[];
      readonly actions: string;
      readonly state: MigrationState;
      readonly execution: string;
      readonly options: MigrationOptions;
      readonly role: string;
      readonly started_at: string;
      readonly updated_at: Date | number;
      readonly lease_until: Date | number;
      readonly approval_asked_at: Date | number | null;
      readonly approved_at: Date | number | null;
      readonly approved_by: string | null;
      readonly rehearsal: Rehearsal | null;
      readonly fenced_at: Date | number | null;
      readonly dropped_at: Date | number | null;
      readonly finished_at: Date | number | null;
      readonly locked_ms: number | null;
      readonly verification: Verification | null;
      readonly error: NotedError | null;
      readonly plan: RecordedPlan | null;
      readonly firing: AlwaysFiring[];
      readonly endpoint: string | null;
      readonly liveness_key: string | null;
      readonly started_by: string | null;
      readonly reason: string | null;
      readonly approval_reason: string | null;
      readonly approved_login: string | null;
      readonly approval_withdrawn_at: Date | number | null;
      readonly approval_withdrawn_by: string | null;
      readonly approval_withdrawn_reason: string | null;
      readonly approval_withdrawn_login: string | null;
      readonly approved_options: KeptOptions | null;
    };
  };
  'ledger/our-sessions': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly pid: number;
    };
  };
  'ledger/owner': {
    readonly values: {
      readonly pids: readonly (number | string)[];
    };
    readonly row: {
      readonly user: string | null;
      readonly address: string | null;
      readonly since: string | null;
    };
  };
  'ledger/owner-role': {
    readonly values: {
      readonly local: boolean;
      readonly ledger_owner: string;
    };
    readonly row: {
      readonly missing: boolean;
      readonly ledger_role: string | null;
    };
  };
  'ledger/owner-sessions': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly pid: number;
    };
  };
  'ledger/pace': {
    readonly values: {
      readonly what: string;
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly rows: number;
      readonly milliseconds: number;
    };
  };
  'ledger/plan-noted': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly noted: boolean;
    };
  };
  'ledger/present': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly seen: string;
      readonly readable: boolean;
    };
  };
  'ledger/read-migration': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly id: string;
      readonly table_oid: number;
      readonly table_name: string;
      readonly referenced_oid: number;
      readonly referenced_name: string;
      readonly constraint_name: string;
      readonly definition: string;
      readonly comment: string | null;
      readonly columns: string;
      readonly referenced_columns: string;
      readonly column_names: string[];
      readonly referenced_column_names: string[];
      readonly actions: string;
      readonly state: MigrationState;
      readonly execution: string;
      readonly options: MigrationOptions;
      readonly role: string;
      readonly started_at: Date | number;
      readonly updated_at: Date | number;
      readonly lease_until: Date | number;
      readonly approval_asked_at: Date | number | null;
      readonly approved_at: Date | number | null;
      readonly approved_by: string | null;
      readonly rehearsal: Rehearsal | null;
      readonly fenced_at: Date | number | null;
      readonly dropped_at: Date | number | null;
      readonly finished_at: Date | number | null;
      readonly locked_ms: number | null;
      readonly verification: Verification | null;
      readonly error: NotedError | null;
      readonly plan: RecordedPlan | null;
      readonly firing: AlwaysFiring[];
      readonly endpoint: string | null;
      readonly liveness_key: string | null;
      readonly started_by: string | null;
      readonly reason: string | null;
      readonly approval_reason: string | null;
      readonly approved_login: string | null;
      readonly approval_withdrawn_at: Date | number | null;
      readonly approval_withdrawn_by: string | null;
      readonly approval_withdrawn_reason: string | null;
      readonly approval_withdrawn_login: string | null;
      readonly approved_options: KeptOptions | null;
      readonly constraint_oid: number | null;
      readonly window_closed: boolean;
      readonly window_seconds_left: number | null;
      readonly approval_waited_seconds: number | null;
    };
  };
  'ledger/read-pairs': {
    readonly values: {
      readonly migration_id: number | string;
      readonly pair: number | null;
    };
    readonly row: {
      readonly pair: number;
      readonly referencing_oid: number;
      readonly referencing: string;
      readonly referenced_oid: number;
      readonly referenced: string;
      readonly bound: string;
      readonly rows: number;
      readonly bytes: number;
      readonly constraint_name: string;
      readonly constraint_added: boolean;
      readonly index_name: string;
      readonly index_added: boolean;
      readonly root_constraint: string | null;
      readonly state: PairState;
      readonly attempts: number;
      readonly last_error: string | null;
      readonly lock_wait_ms: number;
      readonly index_ms: number | null;
      readonly add_ms: number | null;
      readonly validate_ms: number | null;
      readonly orphans: number | null;
      readonly orphans_counted_at: Date | number | null;
      readonly proof: Proof | null;
      readonly former_name: string | null;
      readonly of: number;
    };
  };
  'ledger/refresh-pairs': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly rows: number | string | null;
        readonly bytes: number | string | null;
        readonly constraint_name: string | null;
        readonly index_name: string | null;
        readonly root_constraint: string | null;
      }[];
      readonly migration_id: number | string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/refusals': {
    readonly values: {
      readonly migration_id: number | string;
      readonly step: string;
      readonly pair: number | null;
    };
    readonly row: {
      readonly refusals: number;
    };
  };
  'ledger/release-key': {
    readonly values: {
      readonly liveness_key: number | string;
    };
    readonly row: {
      readonly released: boolean;
    };
  };
  'ledger/relink-values': {
    readonly values: {
      readonly system_identifier: string;
      readonly database_oid: number | string;
      readonly database_name: string;
      readonly endpoint: string;
    };
    readonly row: {
      readonly ignored: string;
      readonly relinked: string;
    };
  };
  'ledger/relinked': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly relinked: boolean;
    };
  };
  'ledger/rename-pairs': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_name: string | null;
        readonly former_name: string | null;
      }[];
      readonly migration_id: number | string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/renew-key': {
    readonly values: {
      readonly liveness_key: number | string;
      readonly execution: string;
      readonly before: number | string;
    };
    readonly row: Record<never, never>;
  };
  'ledger/repair-sequences': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly repaired: string;
      readonly value: string;
    };
  };
  'ledger/run-session': {
    readonly values: {
      readonly object: number;
    };
    readonly row: {
      readonly pid: number | null;
    };
  };
  'ledger/running': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly object: number;
      readonly pid: number;
    };
  };
  'ledger/running-statements': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly pid: number;
      readonly is_index: boolean;
      readonly relation: string;
      readonly since: string;
    };
  };
  'ledger/same-opening': {
    readonly values: {
      readonly table_oid: number;
      readonly constraint_name: string;
      readonly opens_at: string;
      readonly execution: string;
    };
    readonly row: {
      readonly id: string;
      readonly execution: string;
      readonly state: MigrationState;
    };
  };
  'ledger/search-path': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly ledger_search_path: string;
    };
  };
  'ledger/settle-sequences': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly settled: string;
    };
  };
  'ledger/shape': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly shape: LedgerShape;
    };
  };
  'ledger/shown-migrations': {
    readonly values: {
      readonly table_oid: number | null;
      readonly most: number;
    };
    readonly row: {
      readonly id: string;
      readonly table_name: string;
      readonly ledger_name: string;
      readonly gone: boolean;
      readonly referenced_name: string;
      readonly constraint_name: string;
      readonly state: MigrationState;
      readonly execution: string;
      readonly role: string;
      readonly options: MigrationOptions;
      readonly error: NotedError | null;
      readonly started_by: string | null;
      readonly reason: string | null;
      readonly since: string;
      readonly started_at: string;
      readonly finished_at: string | null;
      readonly took_ms: number;
      readonly is_dropped: boolean;
      readonly lease_until: string;
      readonly lease_holds: boolean;
      readonly approval_asked_at: string | null;
      readonly approval_until: string | null;
      readonly approved_at: string | null;
      readonly approved_by: string | null;
      readonly approved_login: string | null;
      readonly approved_options: KeptOptions | null;
      readonly pairs: PairCounts;
      readonly on_standby: boolean;
    };
  };
  'ledger/slots': {
    readonly values: {
      readonly object: number;
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly options: MigrationOptions;
      readonly is_running: boolean;
      readonly others: number;
    };
  };
  'ledger/state': {
    readonly values: {
      readonly ledger_owner: string;
    };
    readonly row: {
      readonly present: boolean;
      readonly has_tables: boolean;
      readonly refusal: string;
      readonly readable: boolean;
      readonly version_readable: boolean;
      readonly is_copy: boolean;
    };
  };
  'ledger/step-sessions': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly pid: number;
    };
  };
  'ledger/system-identifier': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly system_identifier: string;
    };
  };
  'ledger/table-oid': {
    readonly values: {
      readonly name: string;
    };
    readonly row: {
      readonly oid: number | null;
    };
  };
  'ledger/take-over': {
    readonly values: {
      readonly execution: string;
      readonly liveness_key: number | string | null;
      readonly endpoint: string;
      readonly options: Json;
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly id: string;
      readonly state: MigrationState;
    };
  };
  'ledger/trail-events': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly id: string;
      readonly pair: number | null;
      readonly at: Date | number;
      readonly role: string;
      readonly login: string | null;
      readonly execution: string | null;
      readonly person: string | null;
      readonly reason: string | null;
      readonly step: string;
      readonly sql: string | null;
      readonly locks: HeldLock[] | null;
      readonly lock_wait_ms: number | null;
      readonly duration_ms: number | null;
      readonly error: string | null;
      readonly lock_held_ms: number | null;
      readonly of_ledger: boolean;
    };
  };
  'ledger/trail-migration': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly id: string;
      readonly table_name: string;
      readonly referenced_name: string;
      readonly constraint_name: string;
      readonly definition: string;
      readonly state: MigrationState;
      readonly execution: string;
      readonly role: string;
      readonly options: TrailMigration['options'];
      readonly plan: RecordedPlan | null;
      readonly started_at: Date | number;
      readonly updated_at: Date | number;
      readonly approval_asked_at: Date | number | null;
      readonly approved_at: Date | number | null;
      readonly approved_by: string | null;
      readonly rehearsal: Rehearsal | null;
      readonly started_by: string | null;
      readonly reason: string | null;
      readonly approved_login: string | null;
      readonly approval_reason: string | null;
      readonly approved_options: TrailMigration['options'] | null;
      readonly approval_withdrawn_at: Date | number | null;
      readonly approval_withdrawn_by: string | null;
      readonly approval_withdrawn_login: string | null;
      readonly approval_withdrawn_reason: string | null;
      readonly fenced_at: Date | number | null;
      readonly dropped_at: Date | number | null;
      readonly finished_at: Date | number | null;
      readonly locked_ms: number | null;
      readonly verification: Verification | null;
      readonly error: NotedError | null;
      readonly standing_definition: string | null;
      readonly database: string;
      readonly server_version: string;
    };
  };
  'ledger/unfinished': {
    readonly values: {
      readonly execution: string;
      readonly owner: string;
    };
    readonly row: {
      readonly id: string;
      readonly execution: string;
    };
  };
  'ledger/unmatched': {
    readonly values: {
      readonly migration_id: string;
    };
    readonly row: {
      readonly unmatched: string;
    };
  };
  'ledger/update-adopted': {
    readonly values: {
      readonly execution: string;
      readonly accepted: Json;
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly id: string;
    };
  };
  'ledger/version': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly ledger_version: number | null;
      readonly newest_version: number;
      readonly is_older: boolean;
      readonly version_refusal: string;
    };
  };
  'ledger/versions/006-current-catalog': {
    readonly values: Record<never, never>;
    readonly row: Record<never, never>;
  };
  'ledger/views-outcome': {
    readonly values: Record<never, never>;
    readonly row: {
      readonly views_made: boolean;
      readonly views_kept: string;
    };
  };
  'ledger/withdraw-approval': {
    readonly values: {
      readonly by: string;
      readonly reason: string | null;
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly withdrawn_at: string;
    };
  };
  'provision/hold-migration': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly state: MigrationState;
      readonly execution: string;
    };
  };
  'provision/names': {
    readonly values: {
      readonly names: Json;
    };
    readonly row: {
      readonly relation: string;
      readonly schema_exists: boolean;
      readonly taken: boolean;
      readonly too_long: boolean;
    };
  };
  'provision/new-partition': {
    readonly values: {
      readonly schema: string;
      readonly name: string;
    };
    readonly row: {
      readonly oid: number;
      readonly bound: string;
    };
  };
  'provision/parents': {
    readonly values: {
      readonly referencing_parent_oid: number;
      readonly referenced_parent_oid: number;
    };
    readonly row: {
      readonly name: string;
      readonly schema: string;
      readonly relname: string;
      readonly oid: number;
    };
  };
  'provision/parse-name': {
    readonly values: {
      readonly name: string;
    };
    readonly row: {
      readonly parts: string[];
    };
  };
  'provision/referenced-tables': {
    readonly values: {
      readonly parents: readonly (number | string)[];
    };
    readonly row: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly table: string;
    };
  };
  'provision/siblings': {
    readonly values: {
      readonly pairs: readonly {
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly pair: number | null;
      }[];
      readonly referencing_parent_oid: number;
    };
    readonly row: {
      readonly referencing_schema: string;
      readonly referencing_name: string;
      readonly referenced_schema: string;
      readonly referenced_name: string;
      readonly bound: string;
      readonly referenced_parent_oid: number;
    };
  };
  'provision/target': {
    readonly values: {
      readonly table_oid: number;
    };
    readonly row: {
      readonly parent_oid: number;
      readonly parent_kind: string;
      readonly parent: string;
      readonly root: string;
      readonly root_oid: number;
    };
  };
  'scan/foreign-keys': {
    readonly values: {
      readonly schemas: Json | null;
    };
    readonly row: {
      readonly kind: string;
      readonly foreign_keys: number;
      readonly constraint_oid: number | null;
      readonly constraint_name: string | null;
      readonly validated: boolean;
      readonly temporal: boolean;
      readonly on_delete: string;
      readonly table_oid: number;
      readonly table_name: string;
      readonly table_leaves: number;
      readonly table_rows: number;
      readonly table_bytes: number;
      readonly referenced_oid: number;
      readonly referenced_name: string;
      readonly referenced_leaves: number;
      readonly referenced_rows: number;
      readonly referenced_bytes: number;
      readonly locked_by: number | null;
      readonly stranger: string | null;
      readonly hidden: string[];
      readonly detached: boolean;
    };
  };
  'scan/missing-schemas': {
    readonly values: {
      readonly schemas: readonly (number | string)[];
    };
    readonly row: {
      readonly name: string;
    };
  };
  'scan/parents': {
    readonly values: {
      readonly constraints: readonly (number | string)[];
    };
    readonly row: {
      readonly constraint_oid: number;
      readonly questions: string[];
      readonly indexes: TableIndex[];
      readonly bare: number[];
    };
  };
  'script/changed-triggers': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly changed_triggers: string;
    };
  };
  'script/note-triggers': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly ignored: string;
    };
  };
  'script/open-migration': {
    readonly values: {
      readonly table: string;
      readonly referenced_table: string;
      readonly constraint_name: string;
      readonly definition: string;
      readonly comment: string | null;
      readonly columns: string;
      readonly referenced_columns: string;
      readonly column_names: Json;
      readonly referenced_column_names: Json;
      readonly actions: string;
      readonly options: Json;
      readonly firing: readonly {
        readonly relation: number | null;
        readonly kind: string | null;
      }[];
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing: string | null;
        readonly referenced: string | null;
        readonly bound: string | null;
        readonly rows: number | string | null;
        readonly bytes: number | string | null;
        readonly constraint_name: string | null;
        readonly index_name: string | null;
        readonly root_constraint: string | null;
      }[];
    };
    readonly row: {
      readonly migration: string;
      readonly pairs: string | null;
    };
  };
  'script/texts': {
    readonly values: {
      readonly constraint_name: string;
      readonly table: string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referencing: string | null;
        readonly constraint_name: string | null;
        readonly index_name: string | null;
        readonly root_constraint: string | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly drop_constraint: string;
      readonly drop_index: string;
      readonly validate_leaf: string;
      readonly validate_parent: string;
    };
  };
  'script/untrusted-code': {
    readonly values: {
      readonly referencing_oid: number;
      readonly what_next: string;
      readonly untrusted: readonly {
        readonly code: string | null;
        readonly owner: string | null;
        readonly session_role: string | null;
        readonly remedy: string | null;
      }[];
    };
    readonly row: {
      readonly refusal: string;
    };
  };
  session: {
    readonly values: {
      readonly lock_timeout_ms: string;
      readonly search_path: string;
      readonly local: boolean;
      readonly trusted_owners: string;
    };
    readonly row: {
      readonly not_pinned: UnpinnedSetting[];
      readonly is_other_role: boolean;
    };
  };
  'settings-at-fault': {
    readonly values: {
      readonly settings: readonly {
        readonly name: string | null;
        readonly value: string | null;
      }[];
    };
    readonly row: {
      readonly at_fault: string;
    };
  };
  'statements/add-leaf-foreign-key': {
    readonly values: {
      readonly definition: string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly root_constraint: string | null;
      }[];
      readonly referenced_oid: number;
      readonly constraint_name: string;
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/add-ledger-pairs': {
    readonly values: {
      readonly migration_id: number | string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referencing: string | null;
        readonly referenced_oid: number | null;
        readonly referenced: string | null;
        readonly bound: string | null;
        readonly rows: number | string | null;
        readonly bytes: number | string | null;
        readonly constraint_name: string | null;
        readonly constraint_added: boolean | null;
        readonly index_name: string | null;
        readonly index_added: boolean | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/add-pair-foreign-key': {
    readonly values: {
      readonly columns: string;
      readonly referenced_columns: string;
      readonly constraint_oid: string;
      readonly actions: string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_name: string | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/add-pair-foreign-key-to-new': {
    readonly values: {
      readonly columns: string;
      readonly referenced_columns: string;
      readonly actions: string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_name: string | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/add-parent-foreign-key': {
    readonly values: {
      readonly constraint_name: string;
      readonly definition: string;
      readonly referenced_oid: number;
      readonly referencing_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/add-parent-foreign-key-not-valid': {
    readonly values: {
      readonly constraint_name: string;
      readonly definition: string;
      readonly referenced_oid: number;
      readonly referencing_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/attach-partition': {
    readonly values: {
      readonly schema: string;
      readonly name: string;
      readonly bound: Json;
      readonly parent_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/comment-foreign-key': {
    readonly values: {
      readonly constraint_name: string;
      readonly comment: string | null;
      readonly referencing_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/copy-firing-modes': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly constraint_oid: number | null;
      }[];
      readonly firing: Json;
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/create-index': {
    readonly values: {
      readonly columns: string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly index_name: string | null;
        readonly index_columns: string | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/create-index-on-new': {
    readonly values: {
      readonly columns: string;
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly index_name: string | null;
        readonly index_columns: string | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/create-partition-table': {
    readonly values: {
      readonly schema: string;
      readonly name: string;
      readonly parent_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/create-row-movement-guard': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referenced_oid: number | null;
      }[];
      readonly migration_id: string;
      readonly referencing_oid: number;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly pair: number;
      readonly oid: number;
      readonly relation: string;
      readonly sql: string;
      readonly repair_sql: string;
      readonly lock: string;
      readonly enable_sql: string;
      readonly drop_sql: string;
      readonly taken: boolean;
      readonly same: boolean;
      readonly stands: boolean;
      readonly seen: string | null;
      readonly asks: boolean;
      readonly firing: string | null;
      readonly wanted_firing: string;
      readonly old_firing: string | null;
    };
  };
  'statements/defer-pair-foreign-key': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly constraint_name: string | null;
        readonly constraint_added: boolean | null;
      }[];
      readonly actions: string;
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/drop-foreign-keys': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly constraint_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/drop-index': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly index_name: string | null;
      }[];
      readonly column_names: readonly (number | string)[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/drop-pair-foreign-key': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly constraint_name: string | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/drop-parent-foreign-key': {
    readonly values: {
      readonly constraint_name: string;
      readonly referencing_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/drop-row-movement-guard': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
      readonly migration_id: string;
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/enable-triggers': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly constraint_oid: number | null;
      }[];
      readonly firing: Json;
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/forget-ledger-migration': {
    readonly values: {
      readonly migration_id: number | string;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/forget-ledger-pairs': {
    readonly values: {
      readonly migration_id: number | string;
      readonly pairs: readonly {
        readonly pair: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/lock-for-attach-partition': {
    readonly values: {
      readonly referencing_parent_oid: number;
      readonly referenced_parent_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
      readonly mode: LockMode;
      readonly relations: number[];
      readonly names: string;
      readonly ways: string[][] | null;
    };
  };
  'statements/lock-for-autovacuum': {
    readonly values: {
      readonly relations: readonly (number | string)[];
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/lock-guard': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/lock-guard-for-drop': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/lock-in-turns': {
    readonly values: {
      readonly ways: Json;
      readonly wait_ms: number;
      readonly attempt: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/lock-leaf': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/lock-leaf-for-drop': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
      readonly ways: string[][];
    };
  };
  'statements/lock-pair': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/lock-pair-for-drop': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
      readonly ways: string[][];
    };
  };
  'statements/lock-tables': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
      readonly ways: string[][];
    };
  };
  'statements/lock-tables-for-attach': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/lock-validation': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly both_sql: string;
      readonly lock: string;
    };
  };
  'statements/own-partition': {
    readonly values: {
      readonly schema: string;
      readonly name: string;
      readonly parent_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/reindex': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly index_name: string | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/release-pair': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_name: string | null;
        readonly constraint_added: boolean | null;
        readonly index_name: string | null;
        readonly index_added: boolean | null;
      }[];
      readonly column_names: readonly (number | string)[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/rename-leaf-foreign-key': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly constraint_name: string | null;
        readonly root_constraint: string | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/rename-pair-foreign-key-back': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly constraint_name: string | null;
        readonly former_name: string | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/rename-pair-foreign-keys': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly referenced_oid: number | null;
        readonly constraint_name: string | null;
        readonly constraint_oid: number | null;
      }[];
      readonly referencing_oid: number;
      readonly constraint_oid: string;
      readonly constraint_name: string;
      readonly options: Json;
      readonly actions: string;
    };
    readonly row: {
      readonly pair: number;
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly former_name: string;
      readonly beside_root: boolean;
      readonly constraint_name: string;
      readonly sql: string | null;
      readonly timing_sql: string | null;
      readonly lock: string;
    };
  };
  'statements/restore-firing-modes': {
    readonly values: {
      readonly referencing_oid: number;
      readonly referenced_oid: number;
      readonly constraint_name: string;
      readonly firing: Json;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
    };
  };
  'statements/validate-foreign-key': {
    readonly values: {
      readonly constraint_oid: number;
    };
    readonly row: {
      readonly sql: string;
      readonly lock: string;
      readonly constraint_name: string;
    };
  };
  'statements/validate-pair-foreign-key': {
    readonly values: {
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly referencing_oid: number | null;
        readonly constraint_name: string | null;
      }[];
    };
    readonly row: {
      readonly pair: number;
      readonly sql: string;
      readonly lock: string;
    };
  };
}
