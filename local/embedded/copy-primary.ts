/** Turns an empty directory into the data directory of a streaming standby. There is no pg_basebackup in the embedded binaries. */
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

export interface CopiedPrimary {
  /** Of a superuser; it becomes `primary_conninfo`. */
  readonly url: string;
  /** Its data directory. */
  readonly data: string;
}

/** Not copied: what belongs to the running server, and the WAL, which the standby streams. */
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts', 'pg_wal', 'pg_replslot', 'pg_dynshmem']);

/**
 * A base backup by PostgreSQL's low-level API: begin, copy the files, end, write the label that it returned.
 *
 * https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
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
    // 15 renamed the two functions.
    const isNew = (rows[0]?.version ?? 0) >= 150_000;
    await client.query(
      isNew ? "SELECT pg_backup_start('standby', true)" : "SELECT pg_start_backup('standby', true, false)",
    );
    // Root's until it is whole: in a directory of the server's user, that user could put a link in place of a file that is written.
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

/** Gives way between two files: a process that watches other servers meanwhile goes on with it. */
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
      // The server works meanwhile: what it removes, the WAL removes on the standby.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Only what the server itself has written: not a link that its user put there, nor a file of root's that it leads to. */
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
        // Unlike writeSync it goes on until all of it is written.
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

/** From the inside out: until the last step no other user can reach what is below `path`. */
function giveAway(path: string, user: ServerUser): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) giveAway(join(path, entry.name), user);
    else chownSync(join(path, entry.name), user.uid, user.gid);
  }
  chownSync(path, user.uid, user.gid);
}
