/** Turns an empty directory into the data directory of a streaming standby. There is no pg_basebackup in the embedded binaries. */
import { chownSync, copyFileSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../../core/connection.ts';
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
    copyFolder(data, target, user);
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
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(target, name), text, { mode: 0o600 });
      own(join(target, name), user);
    }
    for (const folder of ['pg_wal', 'pg_wal/archive_status', 'pg_wal/summaries', 'pg_replslot', 'pg_dynshmem'])
      makeFolder(join(target, folder), user);
  } finally {
    await client.end();
  }
}

function copyFolder(from: string, to: string, user: ServerUser | null): void {
  makeFolder(to, user);
  for (const name of readdirSync(from)) {
    const source = join(from, name);
    try {
      if (LEFT_OUT.has(name)) continue;
      if (lstatSync(source).isDirectory()) copyFolder(source, join(to, name), user);
      else {
        copyFileSync(source, join(to, name));
        own(join(to, name), user);
      }
    } catch (error) {
      // The server works meanwhile: what it removes, the WAL removes on the standby.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

function makeFolder(path: string, user: ServerUser | null): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  own(path, user);
}

function own(path: string, user: ServerUser | null): void {
  if (user !== null) chownSync(path, user.uid, user.gid);
}
