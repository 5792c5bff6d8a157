/**
 * What else an application has around its two tables, drawn: third tables with foreign keys to them or from them, triggers and
 * rules, leaves that other roles own. The layout of the partitions is the same each time; `drawn-schema.ts` draws those.
 */
import fc from 'fast-check';
import type { Action } from './drawn-schema.ts';

export type Side = 'inode' | 'path';
/** The partitioned table, or one of its leaves by number. */
export type Where = 'root' | 0 | 1;

type OtherAction = 'NO ACTION' | 'CASCADE' | 'SET NULL';

/** A foreign key of a third table: ON DELETE, and whether it references the partitioned table or its first leaf. */
export interface OtherKey {
  readonly action: OtherAction;
  readonly to: 'root' | 'leaf';
}

export interface DrawnTrigger {
  readonly side: Side;
  readonly on: Where;
  readonly timing: 'BEFORE' | 'AFTER';
  readonly level: 'ROW' | 'STATEMENT';
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE' | 'UPDATE OR DELETE';
  /** A row in `log`, one more of a sequence, or, FOR EACH ROW, an error where a row of path is deleted. */
  readonly does: 'note' | 'count' | 'refuse';
  readonly firing: '' | 'ENABLE ALWAYS' | 'ENABLE REPLICA' | 'DISABLE';
  /** '~z' and 'é' sort after the row-movement guard. */
  readonly prefix: 'a' | 'Z' | '~z' | 'é';
}

export interface DrawnRule {
  readonly side: Side;
  readonly on: Where;
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE';
}

/** The second leaf of a side belongs to another role, which may lack what a pair FK's queries need. */
export interface DrawnOwner {
  readonly side: Side;
  readonly lacks: 'nothing' | 'USAGE' | 'SELECT' | 'UPDATE' | 'DELETE';
}

export interface Surroundings {
  readonly onDelete: Action;
  readonly onUpdate: Action;
  readonly deferrable: '' | 'DEFERRABLE INITIALLY DEFERRED';
  /** Tables that reference inode and path, and one that references `tag`. */
  readonly claim: OtherKey | null;
  readonly tag: OtherKey | null;
  readonly remark: OtherAction | null;
  /** Tables that inode and path reference. */
  readonly disk: OtherAction | null;
  readonly kind: OtherAction | null;
  /** A second foreign key from path to inode, over a column that equals ino at first. */
  readonly also: OtherAction | null;
  /** path references itself. */
  readonly parent: OtherAction | null;
  /** Third tables whose row triggers count in a sequence when a row goes or changes. */
  readonly counting: readonly ThirdTable[];
  readonly triggers: readonly DrawnTrigger[];
  readonly rule: DrawnRule | null;
  readonly owner: DrawnOwner | null;
  /** Firing mode of the foreign keys' triggers: of both tables, or of one leaf. ALWAYS: the transactions run as on a replica. */
  readonly keysFire: 'as usual' | 'ALWAYS' | 'DISABLED';
  /** The first referencing leaf has a default of its own. */
  readonly leafDefault: boolean;
  readonly transactions: readonly (readonly Statement[])[];
}

export const THIRD_TABLES = ['claim', 'tag', 'remark', 'disk', 'kind'] as const;
export type ThirdTable = (typeof THIRD_TABLES)[number];

export interface Statement {
  readonly does: 'insert' | 'delete' | 'update key' | 'update other';
  readonly table: Side | ThirdTable;
  readonly at: Where;
  readonly k: number;
  readonly ino: number;
  readonly toK: number;
  readonly toIno: number;
}

const ACTIONS: readonly Action[] = ['NO ACTION', 'RESTRICT', 'CASCADE', 'CASCADE', 'SET NULL', 'SET DEFAULT'];
const OTHER: readonly OtherAction[] = ['NO ACTION', 'CASCADE', 'CASCADE', 'SET NULL'];

export function surroundingsArbitrary(): fc.Arbitrary<Surroundings> {
  const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { freq: 1 });
  const seldom = <Value>(arbitrary: fc.Arbitrary<Value>) =>
    fc.integer({ min: 0, max: 5 }).chain((n) => (n === 5 ? arbitrary : fc.constant(null)));
  const sometimes = <Value>(arbitrary: fc.Arbitrary<Value>) =>
    fc.option(arbitrary, { freq: 1 }).chain((value) => fc.boolean().map((is) => (is ? value : null)));
  const other = fc.constantFrom(...OTHER);
  const otherKey = fc.record({ action: other, to: fc.constantFrom('root' as const, 'leaf' as const) });
  const side = fc.constantFrom<Side>('inode', 'path', 'path');
  const where = fc.constantFrom<Where>('root', 0, 1);
  const trigger: fc.Arbitrary<DrawnTrigger> = fc.record({
    side,
    on: where,
    timing: fc.constantFrom('BEFORE', 'AFTER'),
    level: fc.constantFrom('ROW', 'ROW', 'STATEMENT'),
    event: fc.constantFrom('INSERT', 'UPDATE', 'DELETE', 'UPDATE OR DELETE'),
    does: fc.constantFrom('note', 'note', 'count', 'refuse'),
    firing: fc.constantFrom('', '', 'ENABLE ALWAYS', 'ENABLE REPLICA', 'DISABLE'),
    prefix: fc.constantFrom('a', 'a', 'a', 'Z', 'Z', '~z', 'é'),
  });
  return fc.record({
    onDelete: fc.constantFrom(...ACTIONS),
    onUpdate: fc.constantFrom('NO ACTION', 'NO ACTION', ...ACTIONS) as fc.Arbitrary<Action>,
    deferrable: fc.constantFrom('', '', 'DEFERRABLE INITIALLY DEFERRED'),
    claim: maybe(otherKey),
    tag: maybe(otherKey),
    remark: maybe(other),
    disk: maybe(other),
    kind: maybe(other),
    also: sometimes(other),
    parent: maybe(other),
    counting: fc.subarray([...THIRD_TABLES]),
    triggers: fc.array(trigger, { maxLength: 4 }),
    rule: seldom(
      fc.record({ side, on: where, event: fc.constantFrom('INSERT', 'INSERT', 'UPDATE', 'DELETE') }),
    ) as fc.Arbitrary<DrawnRule | null>,
    owner: sometimes(
      fc.record({ side, lacks: fc.constantFrom('nothing', 'nothing', 'USAGE', 'SELECT', 'UPDATE', 'DELETE') }),
    ) as fc.Arbitrary<DrawnOwner | null>,
    keysFire: fc.constantFrom('as usual', 'as usual', 'as usual', 'as usual', 'as usual', 'ALWAYS', 'DISABLED'),
    leafDefault: fc.boolean(),
    transactions: fc.array(fc.array(statementArbitrary(), { minLength: 1, maxLength: 3 }), {
      minLength: 8,
      maxLength: 16,
    }),
  }) as fc.Arbitrary<Surroundings>;
}

function statementArbitrary(): fc.Arbitrary<Statement> {
  return fc.record({
    does: fc.constantFrom('insert', 'delete', 'delete', 'update key', 'update other'),
    table: fc.constantFrom<Statement['table']>('inode', 'inode', 'inode', 'path', 'path', 'path', ...THIRD_TABLES),
    at: fc.constantFrom<Where>('root', 'root', 0, 1),
    k: fc.nat(3),
    ino: fc.integer({ min: 1, max: 4 }),
    toK: fc.nat(4),
    toIno: fc.integer({ min: 1, max: 5 }),
  }) as fc.Arbitrary<Statement>;
}

/** The role that the application's transactions run as, and the one that owns some leaves. */
export const ROLES = ['drawn_app', 'drawn_owner'] as const;

const relation = (side: Side, where: Where) => (where === 'root' ? side : `${side}_${where}`);
/** Keys 0 and 1 lie in the first pair, 2 and 3 in the second; nothing takes 4. */
export const leafOf = (k: number) => Math.floor(k / 2);

/** Everything in the schema `drawn`, as one script. */
export function renderSurroundings(drawn: Surroundings): string {
  const { onDelete, onUpdate, deferrable, leafDefault } = drawn;
  return [
    `DROP SCHEMA IF EXISTS drawn CASCADE; CREATE SCHEMA drawn; SET search_path = drawn;
    CREATE SEQUENCE counted;
    CREATE TABLE log (what text, is_statement boolean);
    CREATE FUNCTION app_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO drawn.log VALUES (concat_ws(' ', TG_NAME, TG_TABLE_NAME, TG_WHEN, TG_OP, CASE TG_LEVEL WHEN 'ROW' THEN coalesce(OLD, NEW)::text END), TG_LEVEL = 'STATEMENT');
      RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END; END $$;
    CREATE FUNCTION app_count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM nextval('drawn.counted'); RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END; END $$;
    CREATE FUNCTION app_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF TG_LEVEL = 'ROW' AND TG_OP = 'DELETE' AND TG_TABLE_NAME LIKE 'path%' THEN RAISE EXCEPTION 'append only'; END IF;
      RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END; END $$;
    CREATE TABLE disk (id int PRIMARY KEY); INSERT INTO disk VALUES (1), (2), (3), (4), (5);
    CREATE TABLE kind (id int PRIMARY KEY); INSERT INTO kind TABLE disk;
    CREATE TABLE inode (k int, ino int, disk int, size int DEFAULT 0, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
    CREATE TABLE path (id int, k int DEFAULT 0, ino int DEFAULT 3, kind int, parent int, also int, note text, UNIQUE (k, id)) PARTITION BY LIST (k);`,
    ...[0, 1].flatMap((n) =>
      ['inode', 'path'].map(
        (table) => `CREATE TABLE ${table}_${n} PARTITION OF ${table} FOR VALUES IN (${2 * n}, ${2 * n + 1});`,
      ),
    ),
    // Numbers 1 and 2 are referenced.
    `INSERT INTO inode SELECT k, ino, ino FROM generate_series(0, 3) k, generate_series(1, 3) ino;
    INSERT INTO path SELECT ino, k, ino, ino, nullif(ino - 1, 0), ino FROM inode WHERE ino < 3;
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE ${onDelete} ON UPDATE ${onUpdate} ${deferrable};
    CREATE TABLE claim (id int PRIMARY KEY, k int, ino int); INSERT INTO claim VALUES (1, 0, 1), (2, 0, 3), (3, 1, 2);
    CREATE TABLE tag (id int PRIMARY KEY, k int, path int); INSERT INTO tag VALUES (1, 0, 1), (2, 1, 1), (3, 1, 2);
    CREATE TABLE remark (id int PRIMARY KEY, tag int); INSERT INTO remark VALUES (1, 1), (2, 2), (3, 2);`,
    leafDefault ? 'ALTER TABLE path_0 ALTER ino SET DEFAULT 2;' : '',
    ...otherKeys(drawn),
    ...drawn.counting.map(
      (table) =>
        `CREATE TRIGGER counts AFTER UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION app_count();
         CREATE TRIGGER notes BEFORE UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION app_note();`,
    ),
    ...drawn.triggers.map(renderTrigger),
    renderRule(drawn.rule),
    `GRANT ALL ON SCHEMA drawn TO drawn_app; GRANT ALL ON ALL TABLES IN SCHEMA drawn TO drawn_app;
    GRANT ALL ON log, counted TO PUBLIC;`,
    renderOwner(drawn.owner),
    renderFiring(drawn.keysFire),
    'RESET search_path; ANALYZE;',
  ].join('\n');
}

function otherKeys({ claim, tag, remark, disk, kind, also, parent }: Surroundings): string[] {
  const add = (table: string, columns: string, target: string, action: OtherAction | undefined) =>
    action === undefined
      ? ''
      : `ALTER TABLE ${table} ADD FOREIGN KEY (${columns}) REFERENCES ${target} ON DELETE ${action};`;
  const first = (key: OtherKey | null) => (key?.to === 'leaf' ? '_0' : '');
  return [
    add('claim', 'k, ino', `inode${first(claim)} (k, ino)`, claim?.action),
    add('tag', 'k, path', `path${first(tag)} (k, id)`, tag?.action),
    add('remark', 'tag', 'tag (id)', remark ?? undefined),
    add('inode', 'disk', 'disk (id)', disk ?? undefined),
    add('path', 'kind', 'kind (id)', kind ?? undefined),
    // SET NULL would be refused: k is the partition key.
    add('path', 'k, also', 'inode (k, ino)', also === 'SET NULL' ? 'CASCADE' : (also ?? undefined)),
    add('path', 'k, parent', 'path (k, id)', parent === 'SET NULL' ? 'CASCADE' : (parent ?? undefined)),
  ];
}

function renderTrigger({ side, on, timing, level, event, does, firing, prefix }: DrawnTrigger, n: number): string {
  const table = relation(side, on);
  const name = `"${prefix}_${n}"`;
  // A trigger of the partitioned table fires in the mode of its copies: before 15 ALTER TABLE does not reach them.
  const tables = on === 'root' && level === 'ROW' ? [`${side}_0`, `${side}_1`] : [table];
  return [
    `CREATE TRIGGER ${name} ${timing} ${event} ON ${table} FOR EACH ${level} EXECUTE FUNCTION app_${does}();`,
    ...(firing === '' ? [] : tables.map((one) => `ALTER TABLE ONLY ${one} ${firing} TRIGGER ${name};`)),
  ].join('\n');
}

function renderRule(rule: DrawnRule | null): string {
  if (rule === null) return '';
  const table = relation(rule.side, rule.on);
  return `CREATE RULE also AS ON ${rule.event} TO ${table} DO ALSO INSERT INTO log VALUES ('rule', false);`;
}

function renderOwner(owner: DrawnOwner | null): string {
  if (owner === null) return '';
  const table = `${owner.side}_1`;
  return `
    ${owner.lacks === 'USAGE' ? '' : 'GRANT USAGE ON SCHEMA drawn TO drawn_owner;'}
    ALTER TABLE ${table} OWNER TO drawn_owner;
    ${['nothing', 'USAGE'].includes(owner.lacks) ? '' : `REVOKE ${owner.lacks} ON ${table} FROM drawn_owner;`}`;
}

function renderFiring(keysFire: Surroundings['keysFire']): string {
  if (keysFire === 'as usual') return '';
  const mode = keysFire === 'ALWAYS' ? 'ENABLE ALWAYS' : 'DISABLE';
  const tables = keysFire === 'ALWAYS' ? ['inode', 'path'] : ['path_0'];
  // Of the foreign keys only: a trigger of the application keeps the mode that was drawn.
  return `DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT t.tgrelid::regclass AS relation, t.tgname FROM pg_trigger t JOIN pg_constraint c ON c.oid = t.tgconstraint
                WHERE c.contype = 'f' AND t.tgrelid IN (SELECT relid FROM unnest('{${tables.join(',')}}'::regclass[]) r, pg_partition_tree(r))
    LOOP EXECUTE format('ALTER TABLE ONLY %s ${mode} TRIGGER %I', one.relation, one.tgname); END LOOP; END $$;`;
}

export function renderStatement({ does, table, at, k, ino, toK, toIno }: Statement): string {
  switch (table) {
    case 'inode': {
      const name = relation(table, at);
      if (does === 'insert') return `INSERT INTO ${name} (k, ino, disk) VALUES (${k}, ${toIno}, ${ino})`;
      if (does === 'delete') return `DELETE FROM ${name} WHERE k = ${k} AND ino = ${ino}`;
      const set = does === 'update key' ? `k = ${toK}, ino = ${toIno}` : `size = ${toIno}`;
      return `UPDATE ${name} SET ${set} WHERE k = ${k} AND ino = ${ino}`;
    }
    case 'path': {
      const name = relation(table, at);
      const key = `${k}, ${ino === 4 ? 'NULL' : ino}`;
      if (does === 'insert') return `INSERT INTO ${name} (id, k, ino, kind) VALUES (${toIno + 2}, ${key}, ${toK + 1})`;
      if (does === 'delete') return `DELETE FROM ${name} WHERE k = ${k} AND id = ${ino}`;
      const set = does === 'update key' ? `k = ${toK}, ino = ${toIno}` : `note = 'x', kind = ${toIno}`;
      return `UPDATE ${name} SET ${set} WHERE k = ${k} AND id = ${ino}`;
    }
    case 'claim':
    case 'tag': {
      if (does === 'insert') return `INSERT INTO ${table} VALUES (${toIno + 3}, ${k}, ${ino})`;
      if (does === 'delete') return `DELETE FROM ${table} WHERE id = ${ino}`;
      return `UPDATE ${table} SET k = ${toK} WHERE id = ${ino}`;
    }
    case 'remark':
      return does === 'insert'
        ? `INSERT INTO remark VALUES (${toIno + 3}, ${ino})`
        : `DELETE FROM remark WHERE id = ${ino}`;
    default:
      return does === 'insert'
        ? `INSERT INTO ${table} VALUES (${toIno + 4})`
        : `DELETE FROM ${table} WHERE id = ${ino}`;
  }
}
