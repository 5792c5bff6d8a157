/** The steps that repair a pair, made of the texts in `sql/statements/`: the same that the state machine runs. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pair } from '../catalog/pairs.ts';
import { dropGuardStatements, readGuards } from '../catalog/row-movement-guard.ts';
import { PartitionSetChanged } from '../contracts/errors.ts';
import type { LockMode, LockRequest } from '../postgres/locks/lock-wait.ts';
import { run, type SqlValue } from '../postgres/sql.ts';
import type { RepairStep } from './drift.ts';

/** A foreign key that a leaf has of its own; see `sql/audit/leaf-foreign-keys.sql`. */
export interface LeafForeignKey {
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
}

type Between = Pick<Pair, 'referencing_oid' | 'referenced_oid'>;

/** What decides whether a leaf gets or loses its row-movement guard together with a foreign key. */
export interface Guarding {
  /** The migration whose guards the leaves must have; undefined where none are wanted. */
  readonly migrationId: string | undefined;
  readonly leafForeignKeys: readonly LeafForeignKey[];
  readonly pairs: readonly Pair[];
}

export class Steps {
  readonly #client: Client;
  readonly #foreignKey: ForeignKey;
  readonly #guarding: Guarding;

  constructor(
    client: Client,
    foreignKey: ForeignKey,
    guarding: Guarding = { migrationId: undefined, leafForeignKeys: [], pairs: [] },
  ) {
    this.#client = client;
    this.#foreignKey = foreignKey;
    this.#guarding = guarding;
  }

  /** Adds the pair FK without looking at rows, behind the guard of its referenced leaf; then checks them. */
  async addForeignKey(pair: Pair): Promise<RepairStep[]> {
    return [
      {
        kind: 'locked',
        locks: [await this.lock('lock-pair', 'SHARE ROW EXCLUSIVE', pair)],
        sql: [...(await this.#createGuard(pair)), ...(await this.texts('add-pair-foreign-key', [pair]))],
      },
      ...(await this.validate(pair)),
    ];
  }

  /** Puts the pair FK in the place of one that is not as it should be, under its name, and checks the rows. */
  async replaceForeignKey(
    pair: Pair,
    old: Pick<LeafForeignKey, 'constraint_oid' | 'constraint_name'>,
  ): Promise<RepairStep[]> {
    const named = { ...pair, constraint_name: old.constraint_name };
    const drop = await this.texts('drop-foreign-keys', [{ pair: pair.pair, constraint_oid: old.constraint_oid }]);
    const add = await this.texts('add-pair-foreign-key', [named]);
    return [
      {
        kind: 'locked',
        locks: [await this.lock('lock-pair-for-drop', 'ACCESS EXCLUSIVE', pair)],
        sql: [...(await this.#createGuard(pair)), ...drop, ...add],
      },
      ...(await this.validate(named)),
    ];
  }

  async validate(pair: Pair): Promise<RepairStep[]> {
    const [lock = ''] = await this.texts('lock-validation', [pair]);
    const { referencing: table, referenced: referencedTable, referencing_oid, referenced_oid } = pair;
    const reads = { table, referencedTable, referencing_oid, referenced_oid };
    const texts = await this.texts('validate-pair-foreign-key', [pair]);
    return texts.map((sql) => ({ kind: 'validate', lock, sql, reads }));
  }

  async dropForeignKey(foreignKey: LeafForeignKey): Promise<RepairStep> {
    const file = foreignKey.referenced_kind === 'p' ? 'lock-leaf-for-drop' : 'lock-pair-for-drop';
    return {
      kind: 'locked',
      locks: [await this.lock(file, 'ACCESS EXCLUSIVE', foreignKey)],
      sql: [
        ...(await this.texts('drop-foreign-keys', [{ pair: 1, constraint_oid: foreignKey.constraint_oid }])),
        ...(await this.#dropGuard(foreignKey)),
      ],
    };
  }

  async #createGuard(pair: Pair): Promise<string[]> {
    const { migrationId } = this.#guarding;
    if (migrationId === undefined) return [];
    const guards = await readGuards(this.#client, this.#foreignKey, migrationId, [pair]);
    return guards.flatMap(({ stands, repair_sql }) => (stands ? [] : [repair_sql]));
  }

  /** A guard on a leaf that is in no pair any more. */
  async #dropGuard({ constraint_oid, referencing_oid, referenced_oid }: LeafForeignKey): Promise<string[]> {
    const { migrationId, leafForeignKeys, pairs } = this.#guarding;
    const needed =
      pairs.some((pair) => pair.referenced_oid === referenced_oid) ||
      leafForeignKeys.some(
        (other) => other.referenced_oid === referenced_oid && other.constraint_oid !== constraint_oid,
      );
    if (migrationId === undefined || needed) return [];
    return dropGuardStatements(this.#client, migrationId, [{ pair: 1, referencing_oid, referenced_oid }]);
  }

  async enableTriggers(pair: Pair): Promise<RepairStep> {
    return {
      kind: 'locked',
      locks: [await this.lock('lock-pair', 'SHARE ROW EXCLUSIVE', pair)],
      sql: await this.texts('enable-triggers', [pair]),
    };
  }

  /** Builds the index that the pair lacks; an INVALID one that stands in its place goes first. */
  async buildIndex(
    pair: Pair,
    leftover?: { readonly index_name: string; readonly owned: boolean },
  ): Promise<RepairStep[]> {
    if (leftover?.owned)
      return concurrently(await this.texts('reindex', [{ ...pair, index_name: leftover.index_name }]), pair);
    return [
      ...(leftover
        ? concurrently(await this.texts('drop-index', [{ ...pair, index_name: leftover.index_name }]), pair)
        : []),
      ...concurrently(await this.texts('create-index', [pair])),
    ];
  }

  /** An INVALID index beside one that serves: of no use, unless another object owns it. */
  async clearIndex(pair: Pair, index: { readonly index_name: string; readonly owned: boolean }): Promise<RepairStep[]> {
    return concurrently(
      await this.texts(index.owned ? 'reindex' : 'drop-index', [{ ...pair, index_name: index.index_name }]),
      pair,
    );
  }

  async lock(file: string, mode: LockMode, { referencing_oid, referenced_oid }: Between): Promise<LockRequest> {
    const [lock] = await run<Pick<LockRequest, 'sql' | 'ways'>>(this.#client, `statements/${file}`, {
      ...this.#foreignKey,
      pairs: [{ pair: 1, referencing_oid, referenced_oid }],
    });
    if (!lock)
      throw new PartitionSetChanged(`partitions were dropped meanwhile: sql/statements/${file}.sql has no statement`);
    const { sql, ways } = lock;
    return { sql, ways, mode, relations: [referencing_oid, referenced_oid] };
  }

  /** All texts of one file of `sql/statements/`, in its order. */
  async texts(
    file: string,
    pairs: readonly object[] = [],
    more: Readonly<Record<string, SqlValue>> = {},
  ): Promise<string[]> {
    const rows = await run<{ sql: string }>(this.#client, `statements/${file}`, {
      ...this.#foreignKey,
      ...more,
      pairs,
    });
    return rows.map(({ sql }) => sql);
  }
}

/** @param exclusive the pair whose index is dropped or replaced */
function concurrently(texts: readonly string[], exclusive?: Pick<Pair, 'referencing_oid'>): RepairStep[] {
  const exclusiveOn = exclusive ? [exclusive.referencing_oid] : [];
  return texts.map((sql) => ({ kind: 'concurrently', sql, exclusiveOn }));
}

export function onLedger(texts: readonly string[]): RepairStep[] {
  return texts.map((sql) => ({ kind: 'ledger', sql }));
}
