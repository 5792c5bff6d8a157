/** Steps that repair a pair, made of the texts in `sql/statements/`, which the state machine runs, too. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pair } from '../catalog/pairs.ts';
import { dropGuardStatements, readGuards } from '../catalog/row-movement-guard.ts';
import { statementTexts } from '../catalog/statements.ts';
import type { LockMode } from '../contracts/column-types.ts';
import { PartitionSetChanged } from '../contracts/errors.ts';
import type { LockRequest } from '../postgres/locks/lock-wait.ts';
import type { NamedConstraint } from '../postgres/locks/named-constraints.ts';
import { type Row, run } from '../postgres/sql.ts';
import { lockForValidation } from '../steps/validation.ts';
import type { RepairStep } from './drift.ts';

/** A foreign key of a leaf itself; see `sql/audit/leaf-foreign-keys.sql`. */
export type LeafForeignKey = Row<'audit/leaf-foreign-keys'>;

type Between = Pick<Pair, 'referencing_oid' | 'referenced_oid'>;

/** Decides whether a leaf gets or loses its row-movement guard together with a foreign key. */
export interface Guarding {
  /** The migration whose guards the leaves must have; undefined where no guards are wanted. */
  readonly migrationId: string | undefined;
  readonly leafForeignKeys: readonly LeafForeignKey[];
  readonly pairs: readonly Pair[];
}

/** Makes the steps for one foreign key. */
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

  /** Adds the pair FK without reading rows, after the guard of its referenced leaf; then validates it. */
  async addForeignKey(pair: Pair): Promise<RepairStep[]> {
    return [
      {
        kind: 'locked',
        locks: [await this.lock('lock-pair', 'SHARE ROW EXCLUSIVE', pair)],
        sql: [...(await this.#createGuard(pair)), ...(await this.#addPair(pair))],
      },
      ...(await this.validate(pair, true)),
    ];
  }

  /** Replaces a pair FK that is not as it should be with a correct one of the same name, and validates it. */
  async replaceForeignKey(
    pair: Pair,
    old: Pick<LeafForeignKey, 'constraint_oid' | 'constraint_name'>,
  ): Promise<RepairStep[]> {
    const renamed = { ...pair, constraint_name: old.constraint_name };
    const drop = await this.#dropConstraint(pair.pair, old);
    const add = await this.#addPair(renamed);
    return [
      {
        kind: 'locked',
        locks: [await this.lock('lock-pair-for-drop', 'ACCESS EXCLUSIVE', pair)],
        constraints: [named({ ...pair, ...old })],
        sql: [...(await this.#createGuard(pair)), ...drop, ...add],
      },
      ...(await this.validate(renamed, true)),
    ];
  }

  /** @param added whether an earlier step adds the foreign key, in place of one that may have its name */
  async validate(pair: Pair, added = false): Promise<RepairStep[]> {
    const lock = await lockForValidation(this.#client, pair);
    const { referencing: table, referenced: referencedTable, referencing_oid, referenced_oid } = pair;
    const reads = { table, referencedTable, referencing_oid, referenced_oid };
    const texts = await statementTexts(this.#client, 'statements/validate-pair-foreign-key', { pairs: [pair] });
    const constraint = named(added ? { ...pair, constraint_oid: null } : pair);
    return texts.map((sql) => ({ kind: 'validate', lock, sql, constraint, reads }));
  }

  async dropForeignKey(foreignKey: LeafForeignKey): Promise<RepairStep> {
    const file = foreignKey.referenced_kind === 'p' ? 'lock-leaf-for-drop' : 'lock-pair-for-drop';
    return {
      kind: 'locked',
      locks: [await this.lock(file, 'ACCESS EXCLUSIVE', foreignKey)],
      constraints: [named(foreignKey)],
      sql: [...(await this.#dropConstraint(1, foreignKey)), ...(await this.#dropGuard(foreignKey))],
    };
  }

  async #createGuard(pair: Pair): Promise<string[]> {
    const { migrationId } = this.#guarding;
    if (migrationId === undefined) return [];
    const guards = await readGuards(this.#client, this.#foreignKey, migrationId, [pair]);
    return guards.flatMap(({ stands, repair_sql }) => (stands ? [] : [repair_sql]));
  }

  /** Drops the guard of a leaf that is in no pair any more. */
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
      constraints: [named(pair)],
      sql: await statementTexts(this.#client, 'statements/enable-triggers', {
        firing: this.#foreignKey.firing,
        pairs: [pair],
      }),
    };
  }

  /** Builds the index that the pair lacks; an INVALID one in its place is dropped first. */
  async buildIndex(
    pair: Pair,
    leftover?: { readonly index_name: string; readonly owned: boolean },
  ): Promise<RepairStep[]> {
    if (leftover?.owned) return this.#reindex(pair, leftover);
    return [
      ...(leftover ? await this.#dropIndex(pair, leftover) : []),
      ...concurrently(
        await statementTexts(this.#client, 'statements/create-index', { ...this.#foreignKey, pairs: [pair] }),
      ),
    ];
  }

  /** Drops an INVALID index beside one that serves; if another object owns it, it is rebuilt. */
  clearIndex(pair: Pair, index: { readonly index_name: string; readonly owned: boolean }): Promise<RepairStep[]> {
    return index.owned ? this.#reindex(pair, index) : this.#dropIndex(pair, index);
  }

  async #reindex(pair: Pair, { index_name }: Pick<Pair, 'index_name'>): Promise<RepairStep[]> {
    const pairs = [{ ...pair, index_name }];
    return concurrently(await statementTexts(this.#client, 'statements/reindex', { pairs }), pair);
  }

  async #dropIndex(pair: Pair, { index_name }: Pick<Pair, 'index_name'>): Promise<RepairStep[]> {
    const values = { ...this.#foreignKey, pairs: [{ ...pair, index_name }] };
    return concurrently(await statementTexts(this.#client, 'statements/drop-index', values), pair);
  }

  #addPair(pair: Pair): Promise<string[]> {
    return statementTexts(this.#client, 'statements/add-pair-foreign-key', {
      ...this.#foreignKey,
      constraint_oid: String(this.#foreignKey.constraint_oid ?? ''),
      pairs: [pair],
    });
  }

  #dropConstraint(pair: number, { constraint_oid }: Pick<LeafForeignKey, 'constraint_oid'>): Promise<string[]> {
    return statementTexts(this.#client, 'statements/drop-foreign-keys', { pairs: [{ pair, constraint_oid }] });
  }

  async lock(
    file: 'lock-pair' | 'lock-pair-for-drop' | 'lock-leaf-for-drop',
    mode: LockMode,
    { referencing_oid, referenced_oid }: Between,
  ): Promise<LockRequest> {
    const [lock] = await run(this.#client, `statements/${file}`, {
      pairs: [{ pair: 1, referencing_oid, referenced_oid }],
    });
    if (!lock)
      throw new PartitionSetChanged(`partitions were dropped meanwhile: sql/statements/${file}.sql has no statement`);
    const ways = 'ways' in lock ? lock.ways : undefined;
    return { sql: lock.sql, ways, mode, relations: [referencing_oid, referenced_oid] };
  }
}

/** A foreign key as the statements name it; its oid is null where an earlier step makes it. */
function named(foreignKey: Between & Pick<Pair, 'constraint_oid' | 'constraint_name'>): NamedConstraint {
  const { constraint_oid: oid, constraint_name: name, referencing_oid: relation_oid, referenced_oid } = foreignKey;
  return { oid, name, relation_oid, referenced_oid };
}

/** @param exclusive the pair whose index is dropped or replaced */
function concurrently(texts: readonly string[], exclusive?: Pick<Pair, 'referencing_oid'>): RepairStep[] {
  const exclusiveOn = exclusive ? [exclusive.referencing_oid] : [];
  return texts.map((sql) => ({ kind: 'concurrently', sql, exclusiveOn }));
}

/** Statements on the ledger as steps. */
export function onLedger(texts: readonly string[]): RepairStep[] {
  return texts.map((sql) => ({ kind: 'ledger', sql }));
}
