/** Drift of the row-movement guard: each leaf with a pair FK has one that refuses what leaves the leaf now, and it fires. */
import type { Client } from 'pg';
import type { Finding, Severity } from '../contracts.ts';
import type { Pair } from '../pairs.ts';
import {
  dropGuardStatements,
  type Guard,
  readGuards,
  type StandingGuard,
  standingGuards,
} from '../row-movement-guard.ts';
import { run } from '../sql.ts';
import type { Drift, RepairStep } from './contracts.ts';
import { Steps } from './steps.ts';
import { guardedBy, type Subject } from './subjects.ts';

const DANGER = 'an UPDATE that moves a row of it to another partition silently acts on the referencing rows';

export async function findGuardDrift(client: Client, subject: Subject, pairs: readonly Pair[]): Promise<Drift[]> {
  const migrationId = guardedBy(subject);
  if (migrationId === undefined) return [];
  const { foreignKey, options } = subject;
  const steps = new Steps(client, foreignKey);
  // A pair without its FK gets the guard with it.
  const covered = pairs.filter((pair) => pair.constraint_oid !== null);
  const guards = await readGuards(client, foreignKey, migrationId, covered);
  const old = (await standingGuards(client, migrationId)).find((guard) => guard.old);
  const replaced = guards.filter((guard) => !guard.stands && old !== undefined && fires(guard.old_firing));
  const found: Drift[] = [];
  for (const guard of guards) if (!replaced.includes(guard)) found.push(...(await ofLeaf(steps, guard)));
  if (old) found.push(await ofOlderEdition(client, steps, migrationId, old, replaced));
  const late = await run<Finding & Record<string, unknown>>(client, 'findings/trigger-after-guard', {
    ...foreignKey,
    referenced_table: foreignKey.referencedTable,
    pairs: covered,
    options,
  });
  for (const { id, severity, message, remedy } of late)
    found.push(about(foreignKey.referencedTable, id, severity, message, remedy, []));
  return found;
}

async function ofLeaf(steps: Steps, guard: Guard): Promise<Drift[]> {
  const { relation } = guard;
  if (!guard.stands)
    return [
      about(
        relation,
        'missing-guard',
        'error',
        `the row-movement guard of ${relation} is gone: ${DANGER}`,
        'create it again',
        [await locked(steps, guard, [guard.repair_sql])],
      ),
    ];
  if (!guard.same)
    return [
      about(
        relation,
        'guard-outdated',
        'error',
        `the row-movement guard of ${relation} is made for another bound than it has now, or altered: ${DANGER}, or an UPDATE that moves none is refused`,
        'create it anew',
        [await locked(steps, guard, [guard.drop_sql, guard.sql], 'lock-guard-for-drop')],
      ),
    ];
  if (guard.firing !== guard.wanted_firing)
    return [
      about(
        relation,
        'guard-disabled',
        'error',
        `the row-movement guard of ${relation} does not fire when its foreign keys act (it is ${MODES[guard.firing ?? ''] ?? 'not there'}): ${DANGER}`,
        'enable it as the triggers of the foreign keys are',
        [await locked(steps, guard, [guard.enable_sql])],
      ),
    ];
  return [];
}

/** It works, but misses a key that another trigger changes, and its copies are locked all together. */
async function ofOlderEdition(
  client: Client,
  steps: Steps,
  migrationId: string,
  old: StandingGuard,
  replaced: readonly Guard[],
): Promise<Drift> {
  const [lock = ''] = await steps.texts('lock-guard-for-drop', [old]);
  const creations: RepairStep[] = [];
  for (const guard of replaced) creations.push(await locked(steps, guard, [guard.repair_sql]));
  return about(
    old.relation,
    'guard-outdated',
    'warning',
    `the row-movement guard of ${old.relation} is that of an older edition: it does not see a key that another trigger changes`,
    'create one on each partition, then drop it',
    [
      ...creations,
      {
        kind: 'locked',
        locks: [
          { sql: lock, mode: 'ACCESS EXCLUSIVE', relations: [old.referenced_oid, ...replaced.map(({ oid }) => oid)] },
        ],
        sql: await dropGuardStatements(client, migrationId, [old]),
      },
    ],
  );
}

/** pg_trigger.tgenabled, in words. */
const MODES: Readonly<Record<string, string>> = {
  D: 'disabled',
  R: 'made to fire on replicas only',
  O: 'not made to fire on replicas, too',
  A: 'made to fire on replicas, too',
};

function fires(firing: string | null): boolean {
  return firing === 'O' || firing === 'A';
}

async function locked(
  steps: Steps,
  { pair, oid }: Guard,
  sql: readonly string[],
  file: 'lock-guard' | 'lock-guard-for-drop' = 'lock-guard',
): Promise<RepairStep> {
  const [lock = ''] = await steps.texts(file, [{ pair, referenced_oid: oid }]);
  const mode = file === 'lock-guard' ? 'SHARE ROW EXCLUSIVE' : 'ACCESS EXCLUSIVE';
  return { kind: 'locked', locks: [{ sql: lock, mode, relations: [oid] }], sql };
}

function about(
  partition: string,
  id: string,
  severity: Severity,
  message: string,
  remedy: string,
  steps: readonly RepairStep[],
): Drift {
  return { finding: { id, severity, message, remedy }, partition, steps };
}
