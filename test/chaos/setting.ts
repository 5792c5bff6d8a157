/** Where a schedule plays: its database, as its faults want it, and the way to it. */
import type { Client } from 'pg';
import { createSmallTablespace, type SmallTablespace } from './faults/disk.ts';
import { type Scene, session } from './faults/scene.ts';
import type { Frozen } from './harness/bundle.ts';
import { inodePartition, NO_TRUNCATION, pathPartition, readOids, SHAPES, type ShapeName } from './harness/case.ts';
import type { ChaosServer } from './harness/chaos-server.ts';
import { type DbaPair, dbaPair } from './harness/dba-pair.ts';
import { LoopbackProxy } from './harness/proxy.ts';
import type { Templates } from './harness/templates.ts';
import { has, type Schedule } from './schedule.ts';

export interface World {
  readonly server: ChaosServer;
  readonly templates: Templates;
  readonly frozen: Frozen;
}

export interface Setting {
  readonly database: string;
  readonly oids: Scene['oids'];
  readonly proxy: LoopbackProxy;
  /** With the readers of this schedule. */
  readonly frozen: Frozen;
  /** null: no standby is wanted. */
  readonly standbyPort: number | null;
  /** In which the database is, where the disk is to be full. */
  readonly tablespace: SmallTablespace | null;
  /** The one to be detached first is there from the start. */
  readonly dbaPairs: DbaPair[];
}

export async function makeSetting({ server, templates, frozen }: World, schedule: Schedule): Promise<Setting> {
  const tablespace = has(schedule, 'disk-full') ? await smallTablespace(server) : null;
  const database = await templates.clone(schedule.shape, tablespace?.name);
  const client = await session(server.ownUrl(database), 'observer');
  try {
    const oids = await readOids(client, SHAPES[schedule.shape]);
    const dbaPairs: DbaPair[] = [];
    if (has(schedule, 'pairs')) {
      await client.query(dbaPair(0).createSql);
      dbaPairs.push({ n: 0, createdUnderParent: true, detached: null });
    }
    const standbyPort = has(schedule, 'standby') ? await withStandby(server, client, schedule.shape) : null;
    const readers = standbyPort === null ? {} : { readers: `postgres://127.0.0.1:${standbyPort}` };
    const proxy = await LoopbackProxy.start(server.port);
    return { database, oids, proxy, frozen: { ...frozen, ...readers }, standbyPort, tablespace, dbaPairs };
  } finally {
    await client.end();
  }
}

async function smallTablespace(server: ChaosServer): Promise<SmallTablespace> {
  // A standby on the same machine would take its directory for its own.
  await server.endStandby();
  return createSmallTablespace(server);
}

/** @returns the port of a standby that has the database */
async function withStandby(server: ChaosServer, client: Client, shape: ShapeName): Promise<number> {
  for (let pair = 1; pair <= SHAPES[shape].pairs; pair++) {
    await client.query(`ALTER TABLE ${pathPartition(pair)} SET (${NO_TRUNCATION})`);
    await client.query(`ALTER TABLE ${inodePartition(pair)} SET (${NO_TRUNCATION})`);
  }
  await client.query(`ALTER TABLE inode_spare SET (${NO_TRUNCATION})`);
  const standby = await server.standby();
  await standby.caughtUp(client);
  return standby.port;
}
