/** What the application does: one small transaction each, and what it means for the account once it is committed. */
import { medium, type Shape } from '../harness/case.ts';
import type { File, Share } from './account.ts';
import { pick, type Random } from './random.ts';

export interface Operation {
  readonly name: string;
  readonly statements: readonly { readonly sql: string; readonly values: readonly unknown[] }[];
  /** Must be refused, at a statement or at COMMIT: the invariant that is broken where it is not. */
  readonly refused?: 'I1' | 'I2';
  /** What the account is once it is committed. */
  apply(): void;
}

/** Numbers that no other writer uses. */
export interface Numbers {
  next(): number;
}

const INSERT_INODE = 'INSERT INTO inode (medium, ino, size) VALUES ($1, $2, $3)';
const INSERT_PATH = 'INSERT INTO path (medium, ino, name) VALUES ($1, $2, $3)';
const DELETE_INODE = 'DELETE FROM inode WHERE medium = $1 AND ino = $2';

export function nextOperation(shape: Shape, share: Share, random: Random, numbers: Numbers): Operation {
  const pair = 1 + Math.floor(random() * shape.pairs);
  const files = share.get(pair) ?? new Map<number, File>();
  const key = medium(pair);
  const ino = someKey(files, random);
  const file = ino === undefined ? undefined : files.get(ino);
  const name = file === undefined ? undefined : pick(random, [...file.names]);
  const dice = random();
  if (ino === undefined || file === undefined || dice < 0.25) return create(key, files, numbers, random);
  if (dice < 0.4) return link(key, ino, file, numbers);
  if (dice < 0.5) return touch(key, ino, file, numbers);
  if (dice < 0.62) return orphan(key, numbers);
  if (dice < 0.72 && name !== undefined) return rename(key, file, name, numbers);
  if (dice < 0.8 && name !== undefined) return unlink(key, file, name);
  if (dice < 0.86 && name !== undefined) {
    const other = someKey(files, random) ?? ino;
    return relink(key, name, file, { ino: other, file: files.get(other) ?? file });
  }
  if (dice < 0.9 && name !== undefined && shape.onDelete === 'NO ACTION') return removeReferenced(key, ino);
  if (dice < 0.95 && name !== undefined) return moveReferenced(key, ino, numbers);
  return remove(key, ino, files, shape);
}

function someKey(files: ReadonlyMap<number, File>, random: Random): number | undefined {
  // The first some: a Map has no index, and the newest are as good as the oldest.
  const reach = Math.floor(random() * Math.min(files.size, 64));
  let index = 0;
  for (const key of files.keys()) if (index++ === reach) return key;
  return undefined;
}

function create(key: string, files: Map<number, File>, numbers: Numbers, random: Random): Operation {
  const ino = 1_000_000 + numbers.next();
  const size = numbers.next();
  const names = Array.from({ length: Math.floor(random() * 3) }, () => `name ${numbers.next()}`);
  return {
    name: 'insert a pair',
    statements: [
      { sql: INSERT_INODE, values: [key, ino, size] },
      ...names.map((name) => ({ sql: INSERT_PATH, values: [key, ino, name] })),
    ],
    apply: () => {
      files.set(ino, { size, names: new Set(names) });
    },
  };
}

function link(key: string, ino: number, file: File, numbers: Numbers): Operation {
  const name = `name ${numbers.next()}`;
  return {
    name: 'insert a path',
    statements: [{ sql: INSERT_PATH, values: [key, ino, name] }],
    apply: () => file.names.add(name),
  };
}

function touch(key: string, ino: number, file: File, numbers: Numbers): Operation {
  const size = numbers.next();
  return {
    name: 'update an inode',
    statements: [{ sql: 'UPDATE inode SET size = $3 WHERE medium = $1 AND ino = $2', values: [key, ino, size] }],
    apply: () => {
      file.size = size;
    },
  };
}

function rename(key: string, file: File, name: string, numbers: Numbers): Operation {
  const renamed = `name ${numbers.next()}`;
  return {
    name: 'update a path',
    statements: [{ sql: 'UPDATE path SET name = $3 WHERE medium = $1 AND name = $2', values: [key, name, renamed] }],
    apply: () => {
      file.names.delete(name);
      file.names.add(renamed);
    },
  };
}

function relink(key: string, name: string, from: File, to: { ino: number; file: File }): Operation {
  return {
    name: 'update a key',
    statements: [{ sql: 'UPDATE path SET ino = $3 WHERE medium = $1 AND name = $2', values: [key, name, to.ino] }],
    apply: () => {
      from.names.delete(name);
      to.file.names.add(name);
    },
  };
}

function unlink(key: string, file: File, name: string): Operation {
  return {
    name: 'delete a path',
    statements: [{ sql: 'DELETE FROM path WHERE medium = $1 AND name = $2', values: [key, name] }],
    apply: () => file.names.delete(name),
  };
}

/** With its paths: the foreign key takes them along, or they go first. */
function remove(key: string, ino: number, files: Map<number, File>, shape: Shape): Operation {
  const first =
    shape.onDelete === 'CASCADE'
      ? []
      : [{ sql: 'DELETE FROM path WHERE medium = $1 AND ino = $2', values: [key, ino] }];
  return {
    name: 'delete an inode',
    statements: [...first, { sql: DELETE_INODE, values: [key, ino] }],
    apply: () => files.delete(ino),
  };
}

/** Whoever can insert this is not guarded by any foreign key. */
function orphan(key: string, numbers: Numbers): Operation {
  const n = numbers.next();
  return {
    name: 'insert an orphan',
    statements: [{ sql: INSERT_PATH, values: [key, -n, `orphan ${n}`] }],
    refused: 'I1',
    apply: () => undefined,
  };
}

function removeReferenced(key: string, ino: number): Operation {
  return {
    name: 'delete a referenced inode',
    statements: [{ sql: DELETE_INODE, values: [key, ino] }],
    refused: 'I1',
    apply: () => undefined,
  };
}

/** To another partition: the parent FK refuses it (15+), and a pair FK would run ON DELETE on its paths. */
function moveReferenced(key: string, ino: number, numbers: Numbers): Operation {
  return {
    name: 'move a referenced inode to another partition',
    statements: [
      {
        sql: "UPDATE inode SET medium = 'spare', ino = $3 WHERE medium = $1 AND ino = $2",
        values: [key, ino, -numbers.next()],
      },
    ],
    refused: 'I2',
    apply: () => undefined,
  };
}
