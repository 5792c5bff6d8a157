/**
 * Damage to the demo's database, done at the moment when it matters, so that the rollback branch has something to do. Each kind
 * is something that another session could do to a real database; none touches the migration's own code.
 */
import type { Client } from 'pg';
import type { StepName } from '../../core/contracts/steps/catalogue.ts';
import { connect } from '../../core/ledger/connect.ts';
import { run, runOne } from '../../core/postgres/sql.ts';
import type { Handler, Handlers } from '../engine/engine.ts';
import { handlers as ownHandlers } from '../handlers.ts';
import type { Medium } from './schema.ts';

/** Values of `demo --fail`. */
export const Damage = {
  /** Orphaned rows exist before the migration begins: the validation finds them. */
  Orphans: 'orphans',
  /** Orphaned rows are inserted after the validation, while triggers are switched off: the gate sees that, and counts them. */
  Gate: 'gate',
  /** A pair FK is dropped after the gate: the drop check, in the drop's own transaction, sees it, and nothing is dropped. */
  Drop: 'drop',
  /** A pair FK is dropped after the parent FK was dropped: the final checks fail, and the parent FK is restored. */
  Verify: 'verify',
} as const;
export type Damage = (typeof Damage)[keyof typeof Damage];

interface Plan {
  /** The function whose first call it precedes; null: done before the execution starts. */
  readonly before: StepName | null;
  readonly does: (client: Client, medium: Medium) => Promise<string>;
}

const PLANS: Readonly<Record<Damage, Plan>> = {
  orphans: { before: null, does: insertOrphans },
  gate: { before: 'verify-gate', does: insertWithoutTriggers },
  drop: { before: 'drop-parent-foreign-key', does: dropPairForeignKey },
  verify: { before: 'verify-migration', does: dropPairForeignKey },
};

const ORPHANS = 3;

/**
 * Handlers that do the damage once, right before the step that must notice it. `orphans` is done before the promise resolves.
 *
 * @param medium the pair that is damaged
 * @param onDamage called with one line that describes the damage, when it was done
 */
export async function damageHooks(
  damage: Damage,
  databaseUrl: string,
  medium: Medium,
  onDamage: (what: string) => void,
  handlers: Handlers & Readonly<Record<StepName, Handler>> = ownHandlers,
): Promise<Handlers> {
  const { before, does } = PLANS[damage];
  let done = false;
  const doOnce = async (): Promise<void> => {
    if (done) return;
    done = true;
    const client = await connect({ databaseUrl, applicationName: 'p2pfk demo damage' });
    try {
      onDamage(await does(client, medium));
    } finally {
      await client.end();
    }
  };
  if (before === null) {
    await doOnce();
    return handlers;
  }
  return {
    ...handlers,
    [before]: async (event, context) => {
      await doOnce();
      return handlers[before](event, context);
    },
  };
}

/** Inserts rows without checking any foreign key, as a logical replica applies rows. */
async function insertOrphans(client: Client, medium: Medium): Promise<string> {
  await client.query('BEGIN');
  await client.query('SET LOCAL session_replication_role = replica');
  await run(client, 'demo/insert-orphans', { medium_hash: medium.mediumHash, rows: ORPHANS });
  await client.query('COMMIT');
  return `Inserted ${ORPHANS} orphaned rows into ${medium.pathPartition} under session_replication_role = replica`;
}

/** What a bulk load does that switches the triggers off to be fast. */
async function insertWithoutTriggers(client: Client, medium: Medium): Promise<string> {
  const { off, on } = await runOne(client, 'demo/switch-triggers', { path_partition: medium.pathPartition ?? '' });
  await client.query('BEGIN');
  await client.query(off);
  await run(client, 'demo/insert-orphans', { medium_hash: medium.mediumHash, rows: ORPHANS });
  await client.query(on);
  await client.query('COMMIT');
  return `Inserted ${ORPHANS} orphaned rows into ${medium.pathPartition} between DISABLE TRIGGER ALL and ENABLE TRIGGER ALL`;
}

async function dropPairForeignKey(client: Client, medium: Medium): Promise<string> {
  const { statement } = await runOne(client, 'demo/drop-pair-foreign-key', {
    path_partition: medium.pathPartition ?? '',
    inode_partition: medium.inodePartition,
  });
  await client.query(statement);
  return `Dropped the foreign key of ${medium.pathPartition} from another session: ${statement}`;
}
