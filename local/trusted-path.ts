/** Files that other users of the machine can change or replace. The same rule as in ssh and libpq (mode 022). */
import { constants, lstatSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';

/** Mode bit of a directory such as /tmp: only the owner of an entry may rename or remove it. */
const STICKY = 0o1000;
/** Links that Linux follows at most. */
export const MOST_LINKS = 40;

/** Why another user can change a file or directory, as the end of a sentence; null where none can. */
export function changeableByOthers({ uid, gid, mode }: Pick<Stats, 'uid' | 'gid' | 'mode'>): string | null {
  const user = process.geteuid?.();
  // Windows has other permissions.
  if (user === undefined) return null;
  if (uid !== user && uid !== 0) return `it belongs to another user (uid ${uid})`;
  if ((mode & constants.S_IWOTH) !== 0) return 'it may be written by every user';
  if ((mode & constants.S_IWGRP) === 0 || isPrivateGroup(gid)) return null;
  return `it may be written by its group (gid ${gid})`;
}

/**
 * Whether a group has no member except this user and root: the group with the user's name, which most Linux distributions make
 * for each user, and root's own. A group that is not in /etc/group, for example one of LDAP, is assumed to have several members.
 */
function isPrivateGroup(gid: number): boolean {
  const user = userName();
  const own = user !== null && gid === process.getegid?.() ? user : null;
  const wanted = gid === 0 ? [...new Set(['root', 'wheel', own])] : [own];
  return groups()
    .filter((group) => group.gid === gid)
    .some(
      ({ name, members }) =>
        wanted.includes(name) && members.every((member) => member === 'root' || (member === user && own !== null)),
    );
}

/** The user's name; null in a container whose user has no name. */
function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

function groups(): Group[] {
  let text: string;
  try {
    text = readFileSync('/etc/group', 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [name = '', , gid = '', members = ''] = line.split(':');
    return /^\d+$/.test(gid) ? [{ name, gid: Number(gid), members: members.split(',').filter(Boolean) }] : [];
  });
}

/**
 * The first directory or link in the path of a program, or the program itself, that another user could have written; null where
 * there is none, so that the program is what this user, or root, has put there.
 *
 * @throws Error of Node where the program does not exist
 */
export function intruderIn(program: string): Intruder | null {
  const above = intruderAbove(program);
  if (above !== null) return above;
  const reason = changeableByOthers(statSync(program));
  return reason === null ? null : { path: program, reason };
}

/** A directory or link in the path of a file through which another user can replace that file. */
export interface Intruder {
  readonly path: string;
  /** The end of a sentence about `path`. */
  readonly reason: string;
}

/**
 * The first directory or link in the path of a file, following links, through which another user can replace the file; null where
 * there is none. The file itself, which may not exist yet, is not judged. Where a part of the path is missing, the search ends.
 *
 * @throws Error of Node where a directory may not be searched
 */
export function intruderAbove(path: string): Intruder | null {
  if (process.geteuid?.() === undefined) return null;
  let directory = resolve('/');
  const ahead = partsOf(resolve(path));
  for (let links = 0; ; ) {
    const part = ahead.shift();
    if (part === undefined) return null;
    const found = lstatSync(directory);
    // mkdir and open report what is wrong with it.
    if (!found.isDirectory()) return null;
    const sticky = (found.mode & STICKY) !== 0;
    const reason = changeableByOthers(sticky ? { ...owned(found), mode: 0 } : found);
    if (reason !== null) return { path: directory, reason };
    const next = part === '..' ? dirname(directory) : join(directory, part);
    const entry = lstatSync(next, { throwIfNoEntry: false });
    if (entry === undefined) return null;
    if (!entry.isSymbolicLink()) {
      directory = next;
      continue;
    }
    const byOthers = changeableByOthers({ ...owned(entry), mode: 0 });
    if (byOthers !== null) return { path: next, reason: `it is a link, and ${byOthers}` };
    links += 1;
    if (links > MOST_LINKS) return null;
    const target = readlinkSync(next);
    ahead.unshift(...partsOf(target));
    if (target.startsWith(sep)) directory = resolve('/');
  }
}

function owned({ uid, gid }: Stats): Pick<Stats, 'uid' | 'gid'> {
  return { uid, gid };
}

/** Parts of a relative or absolute path; `..` is kept as a part. */
export function partsOf(path: string): string[] {
  return path.split(sep).filter((part) => part !== '' && part !== '.');
}
