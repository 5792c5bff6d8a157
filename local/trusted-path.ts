/** Which other users of the machine can change a file, or put another one in its place. The rule of ssh and libpq (mode 022). */
import { constants, lstatSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';

/** Of a directory such as /tmp: only the owner of an entry may rename or remove it. */
const STICKY = 0o1000;
/** As many as Linux follows. */
export const MOST_LINKS = 40;

/** Which other user a file or directory belongs to, or is open to, as the end of a sentence; null where that is none. */
export function changeableByOthers({ uid, gid, mode }: Pick<Stats, 'uid' | 'gid' | 'mode'>): string | null {
  const user = process.geteuid?.();
  // Windows has other permissions than these.
  if (user === undefined) return null;
  if (uid !== user && uid !== 0) return `it belongs to another user (uid ${uid})`;
  if ((mode & constants.S_IWOTH) !== 0) return 'it may be written by every user';
  if ((mode & constants.S_IWGRP) === 0 || isPrivateGroup(gid)) return null;
  return `it may be written by its group (gid ${gid})`;
}

/**
 * Whether a group has no member but this user, or root: the one that has the user's name, as most Linux distributions make it for each
 * user, and root's own. A group that /etc/group does not have, such as one of LDAP, is taken for one of several people.
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

/** Null in a container whose user has no name. */
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
 * The first one on the way to a program, or the program itself, that another user could have written; null where there is none: the
 * program is then what this user, or root, has put there.
 *
 * @throws Error of Node where it is not there
 */
export function intruderIn(program: string): Intruder | null {
  const above = intruderAbove(program);
  if (above !== null) return above;
  const reason = changeableByOthers(statSync(program));
  return reason === null ? null : { path: program, reason };
}

/** A directory or link on the way to `path` through which another user can put something else in its place. */
export interface Intruder {
  readonly path: string;
  /** As the end of a sentence about it. */
  readonly reason: string;
}

/**
 * The first one on the way to `path`, also by way of links; null where there is none. What is there, or would be made, at `path` itself is
 * not judged. Where a part of the way is missing, it ends there.
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
    // mkdir and open say what is wrong with it.
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

/** Of a path, relative or absolute; `..` is one of them. */
export function partsOf(path: string): string[] {
  return path.split(sep).filter((part) => part !== '' && part !== '.');
}
