/**
 * A copy of a running primary as the data directory of a streaming standby. The embedded binaries do not include pg_basebackup.
 */
import {
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect } from '../../core/ledger/connect.ts';
import type { ServerUser } from './binaries.ts';

/** The server to copy. */
export interface CopiedPrimary {
  /** URL of a superuser; it is used for `primary_conninfo`. */
  readonly url: string;
  /** Path of its data directory. */
  readonly data: string;
}

/** Not copied: files of the running server, and the WAL, which the standby streams. */
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts', 'pg_wal', 'pg_replslot', 'pg_dynshmem']);

/**
 * Makes a base backup with PostgreSQL's low-level API: start, copy the files, stop, write the label that it returned.
 * https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 *
 * @param target an empty directory
 * @param user who owns the server's files; null: the user of this process
 */
export async function copyPrimary(
  { url, data }: CopiedPrimary,
  target: string,
  user: ServerUser | null,
): Promise<void> {
  const client = await connect({ databaseUrl: url, applicationName: 'a base backup' });
  try {
    const { rows } = await client.query<{ version: number }>(
      "SELECT current_setting('server_version_num')::int AS version",
    );
    // PostgreSQL 15 renamed these two functions.
    const isNew = (rows[0]?.version ?? 0) >= 150_000;
    await client.query(
      isNew ? "SELECT pg_backup_start('standby', true)" : "SELECT pg_start_backup('standby', true, false)",
    );
    // The copy is root's until it is complete: in a directory of the server's user, that user could replace a file that is being
    // written with a link.
    rmSync(target, { recursive: true });
    await copyFolder(data, target, user);
    const stopped = await client.query<{ labelfile: string }>(
      isNew ? 'SELECT labelfile FROM pg_backup_stop(false)' : 'SELECT labelfile FROM pg_stop_backup(false, false)',
    );
    const { hostname, port, username, password } = new URL(url);
    const primary = `host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}`;
    const files = {
      backup_label: stopped.rows[0]?.labelfile ?? '',
      'standby.signal': '',
      'postgresql.auto.conf': `primary_conninfo = '${primary} application_name=standby'\n`,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(target, name), text, { mode: 0o600 });
    for (const folder of ['pg_wal', 'pg_wal/archive_status', 'pg_wal/summaries', 'pg_replslot', 'pg_dynshmem'])
      makeFolder(join(target, folder));
    if (user !== null) giveAway(target, user);
  } finally {
    await client.end();
  }
}

/**
 * Copies a folder, and lets other tasks run between two files, so that a process that watches other servers can continue to do
 * so.
 */
async function copyFolder(from: string, to: string, user: ServerUser | null): Promise<void> {
  makeFolder(to);
  for (const name of readdirSync(from)) {
    await nextTurn();
    const source = join(from, name);
    try {
      if (LEFT_OUT.has(name)) continue;
      if (lstatSync(source).isDirectory()) await copyFolder(source, join(to, name), user);
      else copyFile(source, join(to, name), user);
    } catch (error) {
      // The server is running: when it has removed a file, the standby removes it by replaying the WAL.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/**
 * Copies only files that the server itself has written: no link that its user put there, and no file of root that a link leads
 * to.
 */
function copyFile(source: string, target: string, user: ServerUser | null): void {
  if (!lstatSync(source).isFile()) return;
  const file = openSync(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    if (!found.isFile() || (user !== null && found.uid !== user.uid)) return;
    const copy = openSync(target, 'wx', 0o600);
    try {
      // A segment of a table has up to 1 GB.
      const chunk = Buffer.alloc(1024 * 1024);
      for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk))
        // Unlike writeSync, writeFileSync continues until everything is written.
        writeFileSync(copy, chunk.subarray(0, length));
    } finally {
      closeSync(copy);
    }
  } finally {
    closeSync(file);
  }
}

function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Changes the owner from the inside out: until the last step no other user can reach anything below `path`. */
function giveAway(path: string, user: ServerUser): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) giveAway(join(path, entry.name), user);
    else chownSync(join(path, entry.name), user.uid, user.gid);
  }
  chownSync(path, user.uid, user.gid);
}
