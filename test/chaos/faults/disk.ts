/** A file system of its own for a database, filled until a large index does not fit. Needs root on Linux, with tmpfs. */
import { spawnSync } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Client } from 'pg';
import { serverUser } from '../../../local/embedded/binaries.ts';
import { cleanUpAtExit } from '../../../local/embedded/cleanup.ts';
import type { ChaosServer } from '../harness/chaos-server.ts';
import { session } from './scene.ts';

/** The largest of the databases, and what the application adds to it. */
const SIZE = '128m';
/** What is left of it: small indexes fit; an index of 40,000 rows has more than a megabyte. */
const LEFT = 512 * 1024;
const CHUNK = Buffer.alloc(64 * 1024);

export interface SmallTablespace {
  readonly name: string;
  /** Leaves next to nothing free. */
  fill(): void;
  free(): void;
  /** After the database that used it is dropped. */
  drop(client: Client): Promise<void>;
}

/** Why it cannot be had here; undefined where it can. */
export function diskFullUnavailable(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'only root on Linux can mount a small file system';
  const probe = mkdtempSync(join(tmpdir(), 'p2pfk-probe-'));
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'none', probe], {
    encoding: 'utf8',
  });
  if (status === 0) spawnSync('umount', [probe]);
  rmSync(probe, { recursive: true, force: true });
  return status === 0 ? undefined : `a small file system cannot be mounted: ${stderr.trim()}`;
}

let created = 0;

/** To be made before the database that is to be in it. */
export async function createSmallTablespace(server: ChaosServer): Promise<SmallTablespace> {
  const name = `small_${++created}`;
  // Beside the server's directory: that one is removed as a whole.
  const mountPoint = mkdtempSync(join(dirname(server.directory), 'p2pfk-small-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'none', mountPoint], { encoding: 'utf8' });
  if (mounted.status !== 0) throw new Error(`mount: ${mounted.stderr}`);
  const unmount = () => {
    spawnSync('umount', ['-l', mountPoint]);
    rmSync(mountPoint, { recursive: true, force: true });
  };
  const forget = cleanUpAtExit(unmount, false);
  const location = join(mountPoint, 'tablespace');
  mkdirSync(location, { mode: 0o700 });
  const user = serverUser();
  if (user !== null) chownSync(location, user.uid, user.gid);
  await server.up();
  const admin = await session(server.ownUrl('postgres'), 'admin');
  await admin.query(`CREATE TABLESPACE ${name} LOCATION '${location}'`).finally(() => admin.end());
  const filler = join(mountPoint, 'filler');
  return {
    name,
    fill: () => fill(filler, mountPoint),
    free: () => rmSync(filler, { force: true }),
    drop: async (admin) => {
      await admin.query(`DROP TABLESPACE ${name}`);
      unmount();
      forget();
    },
  };
}

function fill(file: string, mountPoint: string): void {
  const opened = openSync(file, 'a');
  const left = () => {
    const { bavail, bsize } = statfsSync(mountPoint);
    return bavail * bsize;
  };
  while (left() > LEFT + CHUNK.length) writeSync(opened, CHUNK);
  closeSync(opened);
}
