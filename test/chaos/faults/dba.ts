/** A person who creates pairs of partitions, with a row on each side, and detaches them, while the parent FK stands or is away. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, DatabaseError } from 'pg';
import { type DbaPair, dbaPair } from '../harness/dba-pair.ts';
import type { Fault } from '../schedule.ts';
import { type Scene, withSession } from './scene.ts';

type Pairs = Extract<Fault, { kind: 'pairs' }>;

const TRIES = 40;
const PAUSE_MS = 50;
/** Shorter than deadlock_timeout, so that no session is ended as the victim of a deadlock. */
const LOCK_TIMEOUT = '100ms';

/** It has struck when its transaction was committed; the server may refuse to detach what is referenced through the parent FK. */
export function changePartitions(scene: Scene, { what }: Pairs): void {
  scene.background(
    withSession(scene, 'a person', async (client) => {
      await client.query(`SET lock_timeout = '${LOCK_TIMEOUT}'`);
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const change = what === 'create' ? create : detach;
        const outcome = await change(client, scene.dbaPairs).catch((error: unknown) => `failed: ${String(error)}`);
        if (outcome === 'in use') {
          await delay(PAUSE_MS);
          continue;
        }
        scene.note(`pairs: ${what}: ${outcome}`);
        if (outcome.startsWith('pair ')) scene.struck('pairs');
        return;
      }
      scene.note(`pairs: ${what}: never free`);
    }),
  );
}

async function create(client: Client, pairs: DbaPair[]): Promise<string> {
  const n = pairs.length;
  const { createSql } = dbaPair(n);
  return inTransaction(client, async (parentStands) => {
    await client.query(createSql);
    return () => {
      pairs.push({ n, createdUnderParent: parentStands, detached: null });
      return `pair ${n}, ${parentStands ? 'under the parent FK' : 'without a parent FK'}`;
    };
  });
}

/** Both sides where the server lets it, else the referencing one. */
async function detach(client: Client, pairs: DbaPair[]): Promise<string> {
  const index = pairs.findIndex(({ detached }) => detached === null);
  const pair = pairs[index];
  if (pair === undefined) return 'nothing to do';
  const { referencing, referenced } = dbaPair(pair.n);
  return inTransaction(client, async (parentStands) => {
    await client.query(`ALTER TABLE path DETACH PARTITION ${referencing}; SAVEPOINT one`);
    const both = await client.query(`ALTER TABLE inode DETACH PARTITION ${referenced}`).then(
      () => true,
      async (error: unknown) => {
        if (!(error instanceof DatabaseError && error.code === '23503')) throw error;
        await client.query('ROLLBACK TO SAVEPOINT one');
        return false;
      },
    );
    return () => {
      pairs[index] = { ...pair, detached: { underParent: parentStands } };
      return `pair ${pair.n}, ${both ? 'both sides' : 'the referencing side'}, ${parentStands ? 'under the parent FK' : 'without a parent FK'}`;
    };
  });
}

/** @returns what was done; `in use` where a lock was not free */
async function inTransaction(client: Client, work: (parentStands: boolean) => Promise<() => string>): Promise<string> {
  try {
    // First the locks: what is read of the parent FK is then true until the end.
    await client.query('BEGIN; LOCK TABLE ONLY inode, ONLY path IN SHARE UPDATE EXCLUSIVE MODE');
    const { rowCount } = await client.query(
      "SELECT FROM pg_constraint WHERE conname = 'path_fk' AND conrelid = 'path'::regclass",
    );
    const done = await work(rowCount !== 0);
    await client.query('COMMIT');
    return done();
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    if (error instanceof DatabaseError && (error.code === '55P03' || error.code === '40P01')) return 'in use';
    throw error;
  }
}
