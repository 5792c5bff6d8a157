/**
 * A directory for files that are written, held open, so that no other user of the machine can lead them to another place.
 *
 * Reading a plan and the state directory ask for more (`intruderAbove`): there no other user may write to a directory on the way. A
 * report may be put into a directory of a team, or of another person; but into the directory that is there, and never where a link of
 * another user leads.
 */
import { closeSync, constants, existsSync, lstatSync, mkdirSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { changeableByOthers, MOST_LINKS, partsOf } from './trusted-path.ts';

/**
 * To look at what is there, without reading it: a pipe is not waited for, and of a directory the right to search it is enough, which is
 * all that others have in many a /home. Node has no name for it. Linux.
 */
export const O_PATH = 0o10000000;
/** Only Linux has names below an open directory. Elsewhere the way is looked at again before a file takes its name. */
export const HANDLES = '/proc/self/fd';

export function hasHandles(): boolean {
  return process.platform === 'linux' && existsSync(HANDLES);
}

export class HeldDirectory {
  /** Without links. */
  readonly path: string;
  readonly #handle: number | null;

  private constructor(path: string, handle: number | null) {
    this.path = path;
    this.#handle = handle;
  }

  /**
   * Opens it part by part; what is missing is made, with mode 0700.
   *
   * @param viaHandles false: as on a system that has no names below an open directory
   * @throws Error where a link on the way belongs to another user; of Node where a directory cannot be made or opened
   */
  static open(path: string, viaHandles = hasHandles()): HeldDirectory {
    const wanted = resolve(path);
    // Windows has no such links without a privilege.
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

  /** The name to open a file by that is in it, or will be. With a handle it leads there even if the directory has been moved. */
  entry(name: string): string {
    return this.#handle === null ? join(this.path, name) : `${HANDLES}/${this.#handle}/${name}`;
  }

  /** @throws Error where `wanted` leads to another directory now. A handle makes no difference of that. */
  confirm(wanted: string): void {
    if (this.#handle !== null || process.geteuid?.() === undefined) return;
    const { path } = HeldDirectory.open(wanted, false);
    if (path !== this.path) throw new Error(`it was to be put into ${this.path}, and its name leads to ${path} now`);
  }

  close(): void {
    if (this.#handle !== null) closeSync(this.#handle);
  }

  /** The error with the directory's path in place of the handle's. */
  readable(error: unknown): unknown {
    if (this.#handle === null || !(error instanceof Error)) return error;
    const path = this.path === sep ? '' : this.path;
    error.message = error.message.replaceAll(`${HANDLES}/${this.#handle}`, path);
    return error;
  }

  /** Where a link of our user or root leads; null where it is no link. */
  #linkAt(part: string): string | null {
    const entry = this.entry(part);
    const found = lstatSync(entry, { throwIfNoEntry: false });
    if (!found?.isSymbolicLink()) return null;
    const reason = changeableByOthers({ uid: found.uid, gid: found.gid, mode: 0 });
    if (reason !== null) throw new Error(`${join(this.path, part)} is a link, and ${reason}`);
    const target = readlinkSync(entry);
    // A link cannot be changed, but another user may have put one of that name in its place before it was read.
    const { ino, ctimeMs } = lstatSync(entry);
    if (ino !== found.ino || ctimeMs !== found.ctimeMs) throw new Error(`${join(this.path, part)} is being changed`);
    return target;
  }

  #enter(part: string): HeldDirectory {
    const entry = this.entry(part);
    const path = part === '..' ? dirname(this.path) : join(this.path, part);
    makeIfMissing(entry);
    if (this.#handle !== null) {
      // A link that has been put there since the look is not followed.
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
    // Made by another process meanwhile.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) throw error;
  }
}
