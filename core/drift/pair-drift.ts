/** Drift of one pair: its foreign key, its triggers, its index, and whether the ledger has it. */

import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { hasForeignTable, isSamePair, type Pair } from '../catalog/pairs.ts';
import type { Finding, Severity } from '../contracts/documents.ts';
import type { LedgerPair } from '../ledger/pairs.ts';
import { type Row, run } from '../postgres/sql.ts';
import { addToLedgerStatements } from '../provision/add-to-ledger.ts';
import type { Drift } from './drift.ts';
import { type LeafForeignKey, onLedger, Steps } from './repair-steps.ts';
import { guardedBy, type Subject } from './subjects.ts';

/** The catalog's and the ledger's data about all pairs, read once. */
interface Reading {
  readonly client: Client;
  readonly foreignKey: ForeignKey;
  readonly steps: Steps;
  readonly leafForeignKeys: readonly LeafForeignKey[];
  readonly triggers: readonly Row<'audit/pair-triggers'>[];
  readonly invalidIndexes: readonly Row<'audit/invalid-indexes'>[];
  /** Whether the migration was started with the option to build no indexes: then a missing one is no drift. */
  readonly noIndexes: boolean;
  /** Undefined where there is no ledger, or none that this role may read. */
  readonly ledgerPairs: readonly LedgerPair[] | undefined;
  /** Whether the role is a superuser: only a superuser may enable the triggers of a foreign key. */
  readonly superuser: boolean;
}

/** Triggers of one foreign key between two tables: two on each side. */
const TRIGGERS = 4;

/** Drift of all pairs. */
export async function findPairDrift(
  client: Client,
  subject: Subject,
  pairs: readonly Pair[],
  ledgerPairs: readonly LedgerPair[] | undefined,
): Promise<Drift[]> {
  const { foreignKey } = subject;
  const constrained = pairs.filter((pair) => pair.constraint_oid !== null);
  const leafForeignKeys = await readLeafForeignKeys(client, foreignKey);
  const reading: Reading = {
    client,
    foreignKey,
    ledgerPairs,
    noIndexes: subject.options.noIndexes === true,
    steps: new Steps(client, foreignKey, { migrationId: guardedBy(subject), leafForeignKeys, pairs }),
    leafForeignKeys,
    triggers: await run(client, 'audit/pair-triggers', {
      firing: foreignKey.firing,
      pairs: constrained,
    }),
    invalidIndexes: await run(client, 'audit/invalid-indexes', {
      ...foreignKey,
      pairs,
    }),
    superuser: (await client.query("SELECT current_setting('is_superuser') = 'on' AS yes")).rows[0]?.yes === true,
  };
  const drift: Drift[] = [];
  for (const pair of pairs) drift.push(...(await ofPair(reading, pair)));
  return drift;
}

/** Foreign keys of the leaves themselves, in the order of the catalog. */
export function readLeafForeignKeys(client: Client, foreignKey: ForeignKey): Promise<LeafForeignKey[]> {
  return run(client, 'audit/leaf-foreign-keys', { ...foreignKey });
}

async function ofPair(reading: Reading, pair: Pair): Promise<Drift[]> {
  if (hasForeignTable(pair)) return [foreignTable(pair)];
  const own = reading.leafForeignKeys.filter((candidate) => candidate.referencing_oid === pair.referencing_oid);
  const differing = own.filter((candidate) => candidate.referenced_oid === pair.referenced_oid && !candidate.shaped);
  const wrong = own.filter(
    (candidate) =>
      candidate.referenced_kind === 'r' &&
      candidate.referenced_oid !== pair.referenced_oid &&
      (candidate.in_tree || pair.constraint_oid === null),
  );
  const known = reading.ledgerPairs?.some((noted) => isSamePair(noted, pair)) ?? true;
  if (pair.constraint_oid === null && !known && wrong.length + differing.length === 0)
    return [await attached(reading, pair)];
  return [
    ...(await wrongTargets(reading, pair, wrong)),
    ...(await otherShapes(reading, pair, differing, wrong.length > 0)),
    ...(pair.constraint_oid === null && wrong.length + differing.length === 0 ? [await missing(reading, pair)] : []),
    ...(pair.constraint_oid === null ? [] : await existingForeignKey(reading, pair, pair.constraint_oid)),
    ...(await indexes(reading, pair)),
    ...(known || pair.constraint_oid === null ? [] : [await unnoted(reading, pair)]),
  ];
}

function foreignTable(pair: Pair): Drift {
  const message = `${pair.referencing} has no pair foreign key to ${pair.referenced}, as one of them is a foreign table, which can have none; p2pfk does not read its rows`;
  return { ...about(pair, 'missing-pair-foreign-key', 'error', message, 'detach it; then audit again'), steps: [] };
}

/** One finding for index and foreign key together: a partition was attached without them. */
async function attached({ steps, foreignKey, noIndexes }: Reading, pair: Pair): Promise<Drift> {
  const index = !pair.has_index && !noIndexes;
  return {
    ...about(
      pair,
      'attached-partition',
      'error',
      `${pair.referencing} was attached after the migration and has no pair foreign key to ${pair.referenced}${index ? `, nor an index on (${foreignKey.columns})` : ''}: a row without a referenced row is not refused there`,
      'add them; next time create the pair with p2pfk provision',
    ),
    steps: [...(index ? await steps.buildIndex(pair) : []), ...(await steps.addForeignKey(pair))],
    makes: { pair, constraint: true, index },
  };
}

async function missing({ steps }: Reading, pair: Pair): Promise<Drift> {
  return {
    ...about(
      pair,
      'missing-pair-foreign-key',
      'error',
      `${pair.referencing} has no pair foreign key to ${pair.referenced}: a row without a referenced row is not refused there`,
      'add and validate it',
    ),
    steps: await steps.addForeignKey(pair),
    makes: { pair, constraint: true, index: false },
  };
}

async function wrongTargets({ steps }: Reading, pair: Pair, wrong: readonly LeafForeignKey[]): Promise<Drift[]> {
  const [first] = wrong;
  if (!first) return [];
  const add = pair.constraint_oid === null;
  const drops = [];
  for (const foreignKey of wrong) drops.push(await steps.dropForeignKey(foreignKey));
  return [
    {
      ...about(
        pair,
        'wrong-target',
        'error',
        `foreign key ${first.constraint_name} of ${pair.referencing} points at ${first.referenced}, not at its partner ${pair.referenced}`,
        add ? 'add the foreign key to the partner, then drop this one' : 'drop it: the one to the partner is there',
      ),
      steps: [...(add ? await steps.addForeignKey(pair) : []), ...drops],
      ...(add ? { makes: { pair, constraint: true, index: false } } : {}),
    },
  ];
}

/** @param covered whether the correct foreign key is already added for another reason */
async function otherShapes(
  { steps, foreignKey }: Reading,
  pair: Pair,
  differing: readonly LeafForeignKey[],
  covered: boolean,
): Promise<Drift[]> {
  const drift: Drift[] = [];
  for (const [index, other] of differing.entries()) {
    const replace = pair.constraint_oid === null && !covered && index === 0;
    drift.push({
      ...about(
        pair,
        'pair-foreign-key-differs',
        replace ? 'error' : 'warning',
        `foreign key ${other.constraint_name} of ${pair.referencing} is ${other.definition}, unlike all other pairs (${foreignKey.definition})`,
        replace ? 'put one with the right definition in its place' : 'drop it: the right one is there, and both act',
      ),
      steps: replace ? await steps.replaceForeignKey(pair, other) : [await steps.dropForeignKey(other)],
      ...(replace
        ? { makes: { pair: { ...pair, constraint_name: other.constraint_name }, constraint: true, index: false } }
        : {}),
    });
  }
  return drift;
}

/** What a pair lacks, so that rows of it are not checked; undefined where its pair FK guards them. */
export function gapOf({
  constraint_oid,
  validated,
  enforced,
}: Pick<Pair, 'constraint_oid' | 'validated' | 'enforced'>):
  | 'missing-pair-foreign-key'
  | 'pair-foreign-key-not-enforced'
  | 'pair-foreign-key-not-valid'
  | undefined {
  if (constraint_oid === null) return 'missing-pair-foreign-key';
  if (!enforced) return 'pair-foreign-key-not-enforced';
  return validated ? undefined : 'pair-foreign-key-not-valid';
}

/** Drift of a pair FK that exists: whether it is valid, and whether it fires. */
async function existingForeignKey({ steps, triggers, superuser }: Reading, pair: Pair, oid: number): Promise<Drift[]> {
  const drift: Drift[] = [];
  const validate = pair.validated ? [] : await steps.validate(pair);
  const gap = gapOf(pair);
  if (gap === 'pair-foreign-key-not-enforced') {
    const own = triggers.filter((trigger) => trigger.pair === pair.pair);
    const silent = own.filter((trigger) => !trigger.fires);
    const lost = TRIGGERS - own.length;
    const enable = lost === 0 && superuser;
    const what =
      lost > 0
        ? `has lost ${lost} of its ${TRIGGERS} triggers`
        : `does not fire: ${silent.length} of its ${TRIGGERS} triggers are disabled, on ${[...new Set(silent.map(({ relation }) => relation))].join(' and ')}`;
    drift.push({
      ...about(
        pair,
        gap,
        'error',
        `pair foreign key ${pair.constraint_name} of ${pair.referencing} ${what}; rows may have come in unchecked`,
        enable
          ? 'enable the triggers, then count the orphans (--fix --run does, and so does p2pfk verify)'
          : 'put a new one in its place: enabling its triggers takes a superuser, and checks no row',
      ),
      steps: enable
        ? [await steps.enableTriggers(pair), ...validate]
        : await steps.replaceForeignKey(pair, { constraint_oid: oid, constraint_name: pair.constraint_name }),
      ...(enable ? { unchecked: pair } : { makes: { pair, constraint: true, index: false } }),
    });
  } else if (gap !== undefined) {
    drift.push({
      ...about(
        pair,
        gap,
        'error',
        `pair foreign key ${pair.constraint_name} of ${pair.referencing} is not validated: older rows were never checked`,
        'validate it',
      ),
      steps: validate,
    });
  }
  return drift;
}

async function indexes({ steps, foreignKey, invalidIndexes, noIndexes }: Reading, pair: Pair): Promise<Drift[]> {
  const leftovers = invalidIndexes.filter((index) => index.pair === pair.pair);
  const [leftover] = leftovers;
  const slow = `every DELETE on ${pair.referenced} scans ${pair.referencing}`;
  if (!pair.has_index && leftover) {
    return [
      {
        ...about(
          pair,
          'invalid-index',
          'warning',
          `index ${leftover.index_name} of ${pair.referencing} is INVALID, and no other serves (${foreignKey.columns}): ${slow}`,
          'build it anew',
        ),
        steps: await steps.buildIndex(pair, leftover),
        makes: { pair, constraint: false, index: !leftover.owned },
      },
    ];
  }
  if (!pair.has_index) {
    return [
      {
        ...about(
          pair,
          'missing-index',
          noIndexes ? 'info' : 'warning',
          `${pair.referencing} has no index on (${foreignKey.columns}): ${slow}`,
          noIndexes ? 'nothing: the migration was run with --no-indexes' : 'build it',
        ),
        steps: await steps.buildIndex(pair),
        makes: { pair, constraint: false, index: true },
      },
    ];
  }
  const drift: Drift[] = [];
  for (const index of leftovers) {
    drift.push({
      ...about(
        pair,
        'invalid-index',
        'warning',
        `index ${index.index_name} of ${pair.referencing} is INVALID: it costs writes and is used by no query`,
        index.owned ? 'rebuild it: it belongs to another object' : `drop it: ${pair.index_name} serves`,
      ),
      steps: await steps.clearIndex(pair, index),
    });
  }
  return drift;
}

/** The finding for a correct pair FK that was added by hand. */
async function unnoted({ client, foreignKey }: Reading, pair: Pair): Promise<Drift> {
  const texts =
    foreignKey.migrationId === null ? [] : await addToLedgerStatements(client, foreignKey.migrationId, [pair]);
  return {
    ...about(
      pair,
      'pair-not-in-ledger',
      'info',
      `${pair.referencing} and ${pair.referenced} became a pair without p2pfk: a rollback will leave their foreign key`,
      'nothing has to be done; the ledger can be told of it',
    ),
    steps: onLedger([...texts.values()].map(({ sql }) => sql)),
  };
}

function about(
  pair: Pair,
  id: string,
  severity: Severity,
  message: string,
  remedy: string,
): { finding: Finding; partition: string } {
  return { finding: { id, severity, message, remedy }, partition: pair.referencing };
}
