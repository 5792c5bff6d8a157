/** A server, a database and an application for the tests that measure what the application sees of a migration. */
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { session } from '../faults/scene.ts';
import { type Frozen, freezeAsBuilt } from '../harness/bundle.ts';
import { readOids, type Shape, sqlOf } from '../harness/case.ts';
import { binariesOf, ChaosServer } from '../harness/chaos-server.ts';
import type { Report } from '../harness/protocol.ts';
import { type Ending, Runner } from '../harness/runner.ts';
import { Observer } from '../watch/observer.ts';
import { Workload } from '../watch/workload.ts';

/** lockTimeoutMs of the execution: its default. */
export const BUDGET_MS = 500;

/**
 * What a statement of the application may take longer than the lock budget: it may stand in the queue behind us once, and
 * wait once more while we hold the lock, which is milliseconds; the rest is what a busy machine of two cores adds.
 */
export const MARGIN_MS = 1_500;

export interface Case {
  readonly url: string;
  /** A plain session, ended with the test. */
  client(): ReturnType<typeof session>;
  workload(seed: number, writers?: number, paceMs?: number): Workload;
  observer(): Promise<Observer>;
  runner(): Promise<Runner>;
}

/** One server for the tests of a file, of the version that P2PFK_TEST_POSTGRES names (13 to 18). */
export function useServer(): { caseOf(shape: Shape): Promise<Case> } {
  let server: ChaosServer;
  let frozen: Frozen;
  let databases = 0;
  beforeAll(async () => {
    server = await ChaosServer.start(await binariesOf(process.env.P2PFK_TEST_POSTGRES));
    frozen = await freezeAsBuilt();
  });
  afterAll(async () => {
    frozen.remove();
    await server.stop();
  });
  return {
    caseOf: async (shape) => {
      const name = `online_${++databases}`;
      const admin = await session(server.url('postgres'), 'admin');
      await admin.query(`CREATE DATABASE ${name}`);
      await admin.end();
      const url = server.url(name);
      const client = async () => {
        const opened = await session(url, 'a person');
        onTestFinished(() => opened.end().catch(() => undefined));
        return opened;
      };
      await (await client()).query(sqlOf(shape));
      const up = async () => undefined;
      return {
        url,
        client,
        workload: (seed, writers = 3, paceMs = 10) =>
          new Workload({ url, shape, seed, writers, paceMs, up, restarts: false, readOnly: false, diskFull: false }),
        observer: async () =>
          new Observer({ url, oids: await readOids(await client(), shape), lockTimeoutMs: BUDGET_MS, up }),
        runner: async () => {
          const runner = await Runner.start(frozen);
          onTestFinished(() => void runner.kill());
          return runner;
        },
      };
    },
  };
}

/** The failures that the handlers told while `work` ran. */
export async function failuresDuring(
  runner: Runner,
  work: () => Promise<Ending>,
): Promise<{ readonly ending: Ending; readonly failures: Extract<Report, { type: 'failed' }>[] }> {
  const failures: Extract<Report, { type: 'failed' }>[] = [];
  const stop = runner.watch((report) => {
    if (report.type === 'failed') failures.push(report);
  });
  const ending = await work();
  stop();
  return { ending, failures };
}
