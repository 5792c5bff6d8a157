/** A drawn schema as SQL. */
import {
  type DrawnSchema,
  type Key,
  keyTypeOf,
  type NameStyle,
  outside,
  SECOND_VALUES,
  type Side,
  type Strategy,
} from './drawn-schema.ts';

/** Every name, quoted; tables with their schema. */
export interface Names {
  readonly schema: string;
  /** Of some partitions. */
  readonly otherSchema: string;
  readonly referenced: string;
  readonly referencing: string;
  readonly constraint: string;
  /** Key column and second column of each side. */
  readonly columns: Readonly<Record<Side, readonly [string, string]>>;
  of(role: string): string;
}

const MAX_BYTES = 63;

function styled(style: NameStyle, role: string): string {
  switch (style) {
    case 'plain':
      return role;
    case 'upper':
      return `${role.toUpperCase()} 1`;
    case 'hostile':
      return `${role}'"%I; --`;
    case 'long':
      return role.padEnd(MAX_BYTES, 'x');
    case 'unicode': {
      let name = role;
      while (Buffer.byteLength(`${name}🗄`) <= MAX_BYTES) name += '🗄';
      return name;
    }
  }
}

export function namesOf({ names: style }: DrawnSchema): Names {
  const of = (role: string) => `"${styled(style, role).replaceAll('"', '""')}"`;
  const schema = of('drawn');
  return {
    schema,
    otherSchema: of('elsewhere'),
    referenced: `${schema}.${of('inode')}`,
    referencing: `${schema}.${of('path')}`,
    constraint: of('path_fk'),
    columns: { referenced: [of('k'), of('ino')], referencing: [of('path_k'), of('path_ino')] },
    of,
  };
}

/** A partition to be made. */
interface Partition {
  readonly side: Side;
  readonly role: string;
  readonly parent: string | null;
  readonly bound: string;
  readonly below: Strategy | null;
}

export function literal(drawn: DrawnSchema, side: Side, k: number | null): string {
  const type = keyTypeOf(drawn);
  if (k === null) return 'NULL';
  return side === 'referenced' ? type.referencedLiteral(k) : type.referencingLiteral(k);
}

/** Buckets side by side in one partition. */
function bucketsTogether({ fit }: DrawnSchema, side: Side): number {
  return (fit === 'coarser' && side === 'referenced') || (fit === 'finer' && side === 'referencing') ? 2 : 1;
}

function firstLevel(drawn: DrawnSchema, side: Side): Partition[] {
  const { strategy, buckets, defaults, takesNull, lone } = drawn;
  const role = side === 'referenced' ? 'inode' : 'path';
  const together = bucketsTogether(drawn, side);
  const at = (k: number) => literal(drawn, side, k);
  const bound = (k: number) => (drawn.twoColumns ? `${at(k)}, MINVALUE` : at(k));
  const range = (from: number, to: number) => `FOR VALUES FROM (${bound(from)}) TO (${bound(to)})`;
  const partitions: Partition[] = [];
  const add = (name: string, bound: string) => {
    const below = name === '1' || strategy === 'HASH' ? belowOf(drawn, side) : null;
    partitions.push({ side, role: `${role}_${name}`, parent: null, bound, below });
  };
  if (strategy === 'HASH') {
    const modulus = bucketsTogether(drawn, side === 'referenced' ? 'referencing' : 'referenced') * buckets;
    for (let n = 0; n < modulus; n++) add(`${n + 1}`, `FOR VALUES WITH (MODULUS ${modulus}, REMAINDER ${n})`);
    return partitions;
  }
  for (let first = 0, n = 1; first < buckets; first += together, n++) {
    const last = Math.min(first + together, buckets) - 1;
    if (strategy === 'RANGE') add(`${n}`, range(2 * first, 2 * last + 2));
    else {
      const keys = Array.from({ length: 2 * (last - first + 1) }, (_, i) => at(2 * first + i));
      if (first === 0 && (takesNull === 'both' || takesNull === side)) keys.push('NULL');
      // The order of a LIST says nothing.
      add(`${n}`, `FOR VALUES IN (${(side === 'referenced' ? keys : keys.reverse()).join(', ')})`);
    }
  }
  if (takesNull === 'alone' && side === 'referencing') add('null', 'FOR VALUES IN (NULL)');
  const alone = outside(drawn) + (lone === 'referencing' ? 1 : 0);
  if (lone === side) add('lone', strategy === 'LIST' ? `FOR VALUES IN (${at(alone)})` : range(alone, alone + 1));
  if (defaults) add('default', 'DEFAULT');
  return partitions;
}

const CYCLE: Readonly<Record<Strategy, Strategy>> = { LIST: 'RANGE', RANGE: 'HASH', HASH: 'LIST' };

function belowOf({ below, belowOn, belowDiffers }: DrawnSchema, side: Side): Strategy | null {
  if (belowOn !== 'both' && belowOn !== side) return null;
  return below !== null && belowDiffers && side === 'referencing' ? CYCLE[below] : below;
}

interface BelowBounds {
  readonly coarse: readonly string[];
  readonly fine: readonly string[];
  /** Beside a DEFAULT. */
  readonly coarseBeside: readonly string[];
  readonly fineBeside: readonly string[];
}

const inList = (...values: string[]) => values.map((value) => `FOR VALUES IN (${value})`);
const ranges = (...edges: (number | string)[]) =>
  edges.slice(1).map((edge, n) => `FOR VALUES FROM (${edges[n]}) TO (${edge})`);
const remainders = (modulus: number) =>
  Array.from({ length: modulus }, (_, n) => `FOR VALUES WITH (MODULUS ${modulus}, REMAINDER ${n})`);

const BELOW_BOUNDS: Readonly<Record<Strategy, BelowBounds>> = {
  LIST: {
    coarse: inList('0, 1, 2', '5, 4, 3'),
    fine: inList('0', '2, 1', '3', '4, 5'),
    coarseBeside: inList('0, 1, 2'),
    fineBeside: inList('0', '2, 1'),
  },
  RANGE: {
    coarse: ranges('MINVALUE', 3, 'MAXVALUE'),
    fine: ranges('MINVALUE', 1, 3, 5, 'MAXVALUE'),
    coarseBeside: ranges(0, 3),
    fineBeside: ranges(0, 1, 3),
  },
  HASH: { coarse: remainders(2), fine: remainders(4), coarseBeside: remainders(2), fineBeside: remainders(4) },
};

function boundsBelow({ belowFiner, belowDefault }: DrawnSchema, side: Side, below: Strategy): readonly string[] {
  const fine = belowFiner && side === 'referencing';
  const { [below]: bounds } = BELOW_BOUNDS;
  if (!belowDefault || below === 'HASH') return fine ? bounds.fine : bounds.coarse;
  return [...(fine ? bounds.fineBeside : bounds.coarseBeside), 'DEFAULT'];
}

function withLevels(drawn: DrawnSchema, partition: Partition): Partition[] {
  if (partition.below === null) return [partition];
  const leaves = boundsBelow(drawn, partition.side, partition.below).map((bound, n) => ({
    ...partition,
    role: `${partition.role}_${'abcd'[n]}`,
    parent: partition.role,
    bound,
    below: null,
  }));
  return [partition, ...leaves];
}

/** Whether a key has a partition; below HASH only PostgreSQL knows which. */
function isRoutable(drawn: DrawnSchema, side: Side, [k, ino]: Key): boolean {
  const { strategy, buckets, defaults, takesNull, lone, belowDefault } = drawn;
  const below = belowOf(drawn, side);
  const inFirst = below === null || below === 'HASH' || belowDefault || ino !== null;
  if (strategy === 'HASH') return inFirst;
  if (k === null) {
    if (takesNull === 'both' || takesNull === side) return inFirst;
    return defaults || (takesNull === 'alone' && side === 'referencing');
  }
  // RANGE takes no NULL in any column of its key.
  if (drawn.twoColumns && ino === null) return defaults;
  if (k < 2 * buckets) return k >= 2 * bucketsTogether(drawn, side) || inFirst;
  return defaults || (lone === side && k === outside(drawn) + (lone === 'referencing' ? 1 : 0));
}

/** Statements that make everything: tables, rows, index, foreign key. */
export function renderSchema(drawn: DrawnSchema): string[] {
  const names = namesOf(drawn);
  const type = keyTypeOf(drawn);
  const [k, ino] = names.columns.referenced;
  const [pathK, pathIno] = names.columns.referencing;
  const key = drawn.swapKey ? `${ino}, ${k}` : `${k}, ${ino}`;
  const keyConstraint = drawn.uniqueInsteadOfPrimary ? `UNIQUE (${key})` : `PRIMARY KEY (${key})`;
  const notNull = drawn.uniqueInsteadOfPrimary ? '' : ' NOT NULL';
  const foreignKey = `ALTER TABLE ${names.referencing} ADD CONSTRAINT ${names.constraint} ${definitionOf(drawn)}`;
  const columns: Readonly<Record<Side, readonly string[]>> = {
    referenced: [`${k} ${type.referenced}${notNull}`, `${ino} int${notNull}`, 'size int DEFAULT 0'],
    referencing: [
      `id int`,
      `${pathK} ${type.referencing} DEFAULT ${literal(drawn, 'referencing', 0)}`,
      `${pathIno} int DEFAULT 0`,
    ],
  };
  const index = indexOf(drawn);
  return [
    `CREATE SCHEMA ${names.schema}`,
    `CREATE SCHEMA ${names.otherSchema}`,
    `SET search_path = ${names.schema}`,
    'CREATE DOMAIN drawn_domain AS text',
    `CREATE TABLE ${names.referenced} (${columns.referenced.join(', ')}, ${keyConstraint}) PARTITION BY ${drawn.strategy} (${drawn.twoColumns ? `${k}, ${ino}` : k})`,
    `CREATE TABLE ${names.referencing} (${columns.referencing.join(', ')}) PARTITION BY ${drawn.strategy} (${drawn.twoColumns ? `${pathK}, ${pathIno}` : pathK})`,
    ...(drawn.foreignKeyFirst ? [foreignKey] : []),
    ...inDrawnOrder(drawn).flatMap((partition) => renderPartition(drawn, partition, columns[partition.side])),
    ...renderRows(drawn),
    ...(index === null ? [] : [index]),
    ...(drawn.foreignKeyFirst ? [] : [foreignKey]),
    ...(drawn.comment === null
      ? []
      : [
          `COMMENT ON CONSTRAINT ${names.constraint} ON ${names.referencing} IS '${drawn.comment.replaceAll("'", "''")}'`,
        ]),
    `ANALYZE ${names.referenced}, ${names.referencing}`,
  ];
}

function inDrawnOrder(drawn: DrawnSchema): Partition[] {
  const all = [...firstLevel(drawn, 'referenced'), ...firstLevel(drawn, 'referencing')];
  const rank = (n: number) => drawn.order.indexOf(n % drawn.order.length);
  return all
    .map((partition, n) => ({ partition, n }))
    .sort((a, b) => rank(a.n) - rank(b.n) || a.n - b.n)
    .flatMap(({ partition }) => withLevels(drawn, partition));
}

/** Any number that is always the same for a role. */
function numberOf(role: string): number {
  return [...role].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
}

/** A partition's name, with its schema. */
function nameOf(drawn: DrawnSchema, role: string): string {
  const names = namesOf(drawn);
  const isElsewhere = drawn.elsewhere[numberOf(role) % drawn.elsewhere.length];
  return `${isElsewhere ? names.otherSchema : names.schema}.${names.of(role)}`;
}

function renderPartition(drawn: DrawnSchema, partition: Partition, columns: readonly string[]): string[] {
  const names = namesOf(drawn);
  const { side, role, parent, bound, below } = partition;
  const name = nameOf(drawn, role);
  const root = side === 'referenced' ? names.referenced : names.referencing;
  const above = parent === null ? root : nameOf(drawn, parent);
  if (below !== null)
    return [`CREATE TABLE ${name} PARTITION OF ${above} ${bound} PARTITION BY ${below} (${names.columns[side][1]})`];
  const number = numberOf(role);
  if (!drawn.attached[number % drawn.attached.length]) return [`CREATE TABLE ${name} PARTITION OF ${above} ${bound}`];
  // The ledger knows the pairs: of a partition without a partner a rollback cannot know what its foreign key was called.
  const paired =
    drawn.fit === 'same' && !drawn.belowDiffers && drawn.belowOn !== 'referenced' && !/_(lone|null)$/.test(role);
  const own = drawn.ownForeignKey && side === 'referencing' && paired && number % 2 === 0;
  return [
    `CREATE TABLE ${name} (gone int, ${[...columns].reverse().join(', ')}, gone_too text)`,
    `ALTER TABLE ${name} DROP COLUMN gone, DROP COLUMN gone_too`,
    ...(own ? [`ALTER TABLE ${name} ADD CONSTRAINT ${names.of('own_fk')} ${definitionOf(drawn)}`] : []),
    `ALTER TABLE ${above} ATTACH PARTITION ${name} ${bound}`,
  ];
}

function definitionOf(drawn: DrawnSchema): string {
  const names = namesOf(drawn);
  const inOrder = (columns: readonly string[]) => (drawn.swapColumns ? [...columns].reverse() : columns).join(', ');
  const { match, onDelete, onUpdate, deferrable, setColumns } = drawn;
  const [first, second] = names.columns.referencing;
  const of = setColumns === 'all' || !onDelete.startsWith('SET') ? '' : ` (${setColumns === 'first' ? first : second})`;
  const when = { no: '', immediate: ' DEFERRABLE', deferred: ' DEFERRABLE INITIALLY DEFERRED' }[deferrable];
  return `FOREIGN KEY (${inOrder(names.columns.referencing)}) REFERENCES ${names.referenced} (${inOrder(names.columns.referenced)})
    MATCH ${match} ON DELETE ${onDelete}${of} ON UPDATE ${onUpdate}${when}`;
}

function indexOf(drawn: DrawnSchema): string | null {
  const names = namesOf(drawn);
  const [k, ino] = names.columns.referencing;
  switch (drawn.index) {
    case 'none':
      return null;
    case 'parent':
      return `CREATE INDEX ON ${names.referencing} (${k}, ${ino})`;
    case 'reversed':
      return `CREATE INDEX ON ${names.referencing} (${ino}, ${k}, id)`;
    case 'one leaf': {
      const leaf = firstLevel(drawn, 'referencing')
        .flatMap((partition) => withLevels(drawn, partition))
        .find(({ below }) => below === null);
      return `CREATE INDEX ON ${nameOf(drawn, leaf?.role ?? '')} (${k}, ${ino})`;
    }
  }
}

/** The drawn rows that have a partition; referencing ones only if the foreign key lets them in. */
function renderRows(drawn: DrawnSchema): string[] {
  const names = namesOf(drawn);
  const referenced = drawn.referencedRows.filter((key) => isRoutable(drawn, 'referenced', key));
  const referencing = drawn.referencingRows.flatMap((row): Key[] => {
    const key = typeof row === 'number' ? referenced[row % referenced.length] : row;
    if (key === undefined || !isRoutable(drawn, 'referencing', key)) return [];
    const [k, ino] = key;
    const whole = k !== null && ino !== null;
    if (whole && !referenced.some((other) => other[0] === k && other[1] === ino)) return [];
    if (!whole && drawn.match === 'FULL' && (k !== null || ino !== null)) return [];
    // A row in a partition without a partner is a reason to refuse.
    return drawn.lone === 'referencing' && k !== null && k >= outside(drawn) ? [] : [key];
  });
  const values = (side: Side, keys: readonly Key[]) =>
    keys.map(([k, ino], n) =>
      side === 'referenced'
        ? `(${literal(drawn, side, k)}, ${ino})`
        : `(${n}, ${literal(drawn, side, k)}, ${ino ?? 'NULL'})`,
    );
  const [k, ino] = names.columns.referenced;
  const [pathK, pathIno] = names.columns.referencing;
  return [
    ...(referenced.length > 0
      ? [`INSERT INTO ${names.referenced} (${k}, ${ino}) VALUES ${values('referenced', referenced).join(', ')}`]
      : []),
    ...(referencing.length > 0
      ? [
          `INSERT INTO ${names.referencing} (id, ${pathK}, ${pathIno}) VALUES ${values('referencing', referencing).join(', ')}`,
        ]
      : []),
  ];
}

/** Every key that a statement may name. */
export function allKeys(drawn: DrawnSchema): Key[] {
  const ks = [null, ...Array.from({ length: outside(drawn) + 2 }, (_, k) => k)];
  const inos = [null, ...Array.from({ length: SECOND_VALUES }, (_, ino) => ino)];
  return ks.flatMap((k) => inos.map((ino): Key => [k, ino]));
}
