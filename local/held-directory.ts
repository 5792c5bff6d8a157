/**
 * A directory for files that are written, held open, so that no other user of the machine can redirect the files to another
 * place.
 *
 * Reading a plan, and the state directory, require more (`intruderAbove`): there, no other user may be able to write to any
 * directory above. A report may be written to a directory of a team, or of another person, but only to the directory that exists
 * there, and never where a link of another user leads.
 */
import { closeSync, constants, existsSync, lstatSync, mkdirSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { changeableByOthers, MOST_LINKS, partsOf } from './trusted-path.ts';

/**
 * Opens an entry to examine it, without reading it. A pipe is not waited for, and for a directory the right to search it is
 * enough, which is all that other users often have in /home. Node has no name for this flag. Linux only.
 */
export const O_PATH = 0o10000000;
/**
 * Only Linux has names for entries of an open directory. Elsewhere the path is examined again before a file is renamed to its
 * name.
 */
export const HANDLES = '/proc/self/fd';

/** @returns whether this system has names for entries of an open directory */
export function hasHandles(): boolean {
  return process.platform === 'linux' && existsSync(HANDLES);
}

/** An open directory. Close it when the files in it are written. */
export class HeldDirectory {
  /** Absolute path without links. */
  readonly path: string;
  readonly #handle: number | null;

  private constructor(path: string, handle: number | null) {
    this.path = path;
    this.#handle = handle;
  }

  /**
   * Opens a directory part by part, and makes missing ones with mode 0700.
   *
   * @param viaHandles false: as on a system without names for entries of an open directory
   * @throws Error where a link in the path belongs to another user; Node's errors where a directory cannot be made or opened
   */
  static open(path: string, viaHandles = hasHandles()): HeldDirectory {
    const wanted = resolve(path);
    // On Windows, making such links requires a privilege.
    if (process.geteuid?.() === undefined) {
      mkdirSync(wanted, { recursive: true });
      return new HeldDirectory(realpathSync(wanted), null);
    }
    const ahead = partsOf(wanted);
    let here = HeldDirectory.#root(viaHandles);
    let links = 0;
    try {
      for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
        const target = part === '..' ? null : here.#linkAt(part);
        if (target === null) {
          here = here.#enter(part);
          continue;
        }
        links += 1;
        if (links > MOST_LINKS) throw new Error(`more than ${MOST_LINKS} links lead to it`);
        ahead.unshift(...partsOf(target));
        if (target.startsWith(sep)) here = here.#left(HeldDirectory.#root(viaHandles));
      }
      return here;
    } catch (error) {
      here.close();
      throw here.readable(error);
    }
  }

  static #root(viaHandles: boolean): HeldDirectory {
    const root = resolve('/');
    return new HeldDirectory(root, viaHandles ? openSync(root, O_PATH | constants.O_DIRECTORY) : null);
  }

  /** Path to open a file in this directory by. With a handle it leads to this directory even if it was moved. */
  entry(name: string): string {
    return this.#handle === null ? join(this.path, name) : `${HANDLES}/${this.#handle}/${name}`;
  }

  /**
   * Checks that the path still leads to this directory; with a handle that does not matter.
   *
   * @throws Error where `wanted` leads to another directory now
   */
  confirm(wanted: string): void {
    if (this.#handle !== null || process.geteuid?.() === undefined) return;
    const { path } = HeldDirectory.open(wanted, false);
    if (path !== this.path) throw new Error(`it was to be put into ${this.path}, and its name leads to ${path} now`);
  }

  close(): void {
    if (this.#handle !== null) closeSync(this.#handle);
  }

  /** The same error, with the directory's path in place of the handle's. */
  readable(error: unknown): unknown {
    if (this.#handle === null || !(error instanceof Error)) return error;
    const path = this.path === sep ? '' : this.path;
    error.message = error.message.replaceAll(`${HANDLES}/${this.#handle}`, path);
    return error;
  }

  /** Target of a link that belongs to our user or root; null for anything else. */
  #linkAt(part: string): string | null {
    const entry = this.entry(part);
    const found = lstatSync(entry, { throwIfNoEntry: false });
    if (!found?.isSymbolicLink()) return null;
    const reason = changeableByOthers({ uid: found.uid, gid: found.gid, mode: 0 });
    if (reason !== null) throw new Error(`${join(this.path, part)} is a link, and ${reason}`);
    const target = readlinkSync(entry);
    // A link cannot be changed, but another user may have replaced it with another one of the same name before it was read.
    const { ino, ctimeMs } = lstatSync(entry);
    if (ino !== found.ino || ctimeMs !== found.ctimeMs) throw new Error(`${join(this.path, part)} is being changed`);
    return target;
  }

  #enter(part: string): HeldDirectory {
    const entry = this.entry(part);
    const path = part === '..' ? dirname(this.path) : join(this.path, part);
    makeIfMissing(entry);
    if (this.#handle !== null) {
      // A link that was put there since it was examined is not followed.
      const handle = openSync(entry, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      return this.#left(new HeldDirectory(path, handle));
    }
    if (!lstatSync(path).isDirectory()) throw new Error(`ENOTDIR: not a directory, open '${path}'`);
    return new HeldDirectory(path, null);
  }

  #left(next: HeldDirectory): HeldDirectory {
    this.close();
    return next;
  }
}

function makeIfMissing(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process made it in the meantime.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) throw error;
  }
}
