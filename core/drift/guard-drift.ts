/**
 * Drift of row-movement guards: each leaf with a pair FK must have one that refuses rows leaving it as it is now, and that fires.
 */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pair } from '../catalog/pairs.ts';
import {
  dropGuardStatements,
  type ExistingGuard,
  type Guard,
  guardNumber,
  isEffective,
  readExistingGuards,
  readGuards,
  silentAction,
} from '../catalog/row-movement-guard.ts';
import { statementTexts } from '../catalog/statements.ts';
import { lateTriggers } from '../checks/preflight/sql-findings.ts';
import type { Severity } from '../contracts/documents.ts';
import { checkLedger } from '../ledger/schema/state.ts';
import { run, runOne } from '../postgres/sql.ts';
import type { Drift, RepairStep } from './drift.ts';
import { guardedBy, type Subject } from './subjects.ts';

type LockedStep = Extract<RepairStep, { kind: 'locked' }>;

const DANGER = 'an UPDATE that moves a row of it to another partition silently acts on the referencing rows';

/** Drift of the guards of these pairs' referenced leaves. */
export async function findGuardDrift(client: Client, subject: Subject, pairs: readonly Pair[]): Promise<Drift[]> {
  const { foreignKey, options } = subject;
  // A pair without its FK gets the guard together with the FK.
  const covered = pairs.filter((pair) => pair.constraint_oid !== null);
  const migrationId = guardedBy(subject) ?? (await numberOfOthers(client, foreignKey, covered));
  if (migrationId === undefined) return [];
  const guards = await readGuards(client, foreignKey, migrationId, covered);
  const old = (await readExistingGuards(client, migrationId)).find((guard) => guard.old);
  const replaced = guards.filter((guard) => !guard.stands && old !== undefined && fires(guard.old_firing));
  const found: Drift[] = [];
  for (const guard of guards) if (!replaced.includes(guard)) found.push(...(await ofLeaf(client, guard)));
  if (old) found.push(await ofOlderEdition(client, migrationId, old, replaced));
  if (guards.some(({ taken }) => taken)) found.push(...(await ofOlderLedger(client, foreignKey)));
  if (foreignKey.migrationId !== null) found.push(...(await leftovers(client, covered, guards)));
  const late = await lateTriggers(client, foreignKey, covered, options);
  for (const { id, severity, message, remedy } of late)
    found.push(about(foreignKey.referencedTable, id, severity, message, remedy, []));
  return found;
}

/** From this version of the ledger on, the function of the guards reads the catalog as it is now. */
const GUARD_READS_CURRENT_CATALOG = 6;

/** The finding for guards whose function is that of an older ledger. `--fix --run` upgrades the ledger before it audits. */
async function ofOlderLedger(client: Client, { referencedTable }: ForeignKey): Promise<Drift[]> {
  if (!(await checkLedger(client)).is_older) return [];
  const { ledger_version: version } = await runOne(client, 'ledger/version');
  if ((version ?? 0) >= GUARD_READS_CURRENT_CATALOG) return [];
  return [
    about(
      referencedTable,
      'guard-outdated',
      'error',
      `the row-movement guards of ${referencedTable} call a function of ledger version ${version}: in a transaction at REPEATABLE READ from before ATTACH PARTITION, ${DANGER}`,
      'p2pfk audit --fix --run by the owner of the ledger upgrades it, and with it the function',
      [],
    ),
  ];
}

/** Guards of a lost ledger entry, beside those of the entry that replaced it. */
async function leftovers(client: Client, covered: readonly Pair[], guards: readonly Guard[]): Promise<Drift[]> {
  const others = await run(client, 'audit/other-guards', { pairs: covered });
  const found: Drift[] = [];
  for (const { referenced_oid, relation, sql, pair } of others) {
    const guarded = guards.some((guard) => guard.oid === referenced_oid && isEffective(guard));
    const [lock = ''] = await lockTexts(client, 'lock-guard-for-drop', { pair, referenced_oid });
    const locks = [{ sql: lock, mode: 'ACCESS EXCLUSIVE', relations: [referenced_oid] }] as const;
    found.push(
      about(
        relation,
        'guard-leftover',
        'warning',
        `a row-movement guard of ${relation} belongs to no open migration of the ledger: nothing would take it away, and a rollback would leave it`,
        guarded ? 'drop it: another guards the partition' : 'drop it when the guard of the migration works',
        guarded ? [{ kind: 'locked', locks, sql: [sql] }] : [],
      ),
    );
  }
  return found;
}

/** Without a ledger entry a guard is wanted on every leaf, and any guard of p2pfk on it counts. */
async function numberOfOthers(
  client: Client,
  foreignKey: ForeignKey,
  covered: readonly Pair[],
): Promise<string | undefined> {
  if (foreignKey.migrationId !== null || silentAction(foreignKey) === undefined || covered.length === 0)
    return undefined;
  return guardNumber(client, covered);
}

async function ofLeaf(client: Client, guard: Guard): Promise<Drift[]> {
  const { relation } = guard;
  const step = await guardRepair(client, guard);
  if (step === undefined) return [];
  const repair = [step];
  if (!guard.taken)
    return [
      about(
        relation,
        'missing-guard',
        'error',
        `the row-movement guard of ${relation} is gone: ${DANGER}`,
        'create it again',
        repair,
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
        repair,
      ),
    ];
  return [
    about(
      relation,
      'guard-disabled',
      'error',
      `the row-movement guard of ${relation} does not fire when its foreign keys act (it is ${MODES[guard.firing ?? ''] ?? 'not there'}): ${DANGER}`,
      'enable it as the triggers of the foreign keys are',
      repair,
    ),
  ];
}

/** The step that makes the guard of one leaf work; undefined where it does already. */
export async function guardRepair(client: Client, guard: Guard): Promise<LockedStep | undefined> {
  if (guard.stands) return undefined;
  if (!guard.taken) return locked(client, guard, [guard.repair_sql]);
  if (guard.same) return locked(client, guard, [guard.enable_sql]);
  return locked(client, guard, [guard.drop_sql, guard.sql], 'lock-guard-for-drop');
}

/**
 * The finding for a guard of an older version. It works, but misses a key that another trigger changes, and its copies are all
 * locked together.
 */
async function ofOlderEdition(
  client: Client,
  migrationId: string,
  old: ExistingGuard,
  replaced: readonly Guard[],
): Promise<Drift> {
  const [lock = ''] = await lockTexts(client, 'lock-guard-for-drop', old);
  const creations: RepairStep[] = [];
  for (const guard of replaced) creations.push(await locked(client, guard, [guard.repair_sql]));
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
          {
            sql: lock,
            mode: 'ACCESS EXCLUSIVE',
            named: [old.referenced_oid],
            relations: [old.referenced_oid, ...replaced.map(({ oid }) => oid)],
          },
        ],
        sql: await dropGuardStatements(client, migrationId, [old]),
      },
    ],
  );
}

/** pg_trigger.tgenabled, as text. */
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
  client: Client,
  { pair, oid }: Guard,
  sql: readonly string[],
  file: GuardLock = 'lock-guard',
): Promise<LockedStep> {
  const [lock = ''] = await lockTexts(client, file, { pair, referenced_oid: oid });
  const mode = file === 'lock-guard' ? 'SHARE ROW EXCLUSIVE' : 'ACCESS EXCLUSIVE';
  return { kind: 'locked', locks: [{ sql: lock, mode, relations: [oid] }], sql };
}

type GuardLock = 'lock-guard' | 'lock-guard-for-drop';

function lockTexts(
  client: Client,
  file: GuardLock,
  pair: Pick<ExistingGuard, 'pair' | 'referenced_oid'>,
): Promise<string[]> {
  return statementTexts(client, `statements/${file}`, { pairs: [pair] });
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
