/** Template databases on one server, and what each looks like before a migration and after it. */
import type { Client } from 'pg';
import { catalogSnapshot } from '../../support/catalog.ts';
import { waitUntil } from '../../support/observe.ts';
import { session } from '../faults/scene.ts';
import type { Frozen } from './bundle.ts';
import { SHAPES, type ShapeName, sqlOf, TABLE, withoutMigrationNumber } from './case.ts';
import type { ChaosServer } from './chaos-server.ts';
import { LoopbackProxy } from './proxy.ts';
import { type Ending, Runner } from './runner.ts';

/** An undisturbed migration and the rollback of it: what every schedule has to end as, too. */
export interface Reference {
  readonly original: string;
  readonly migrated: string;
  /** Step -> statements that it makes, by operation. */
  readonly statements: {
    readonly migrate: ReadonlyMap<string, number>;
    readonly rollback: ReadonlyMap<string, number>;
  };
}

const RUN_TIMEOUT_MS = 120_000;

export class Templates {
  readonly #server: ChaosServer;
  readonly #frozen: Frozen;
  readonly #ready = new Set<ShapeName>();
  /** Shared by all servers of a run. */
  readonly #references: Map<ShapeName, Promise<Reference>>;
  #databases = 0;

  constructor(server: ChaosServer, frozen: Frozen, references: Map<ShapeName, Promise<Reference>>) {
    this.#server = server;
    this.#frozen = frozen;
    this.#references = references;
  }

  /** A new database of that shape. */
  async clone(shape: ShapeName, tablespace?: string): Promise<string> {
    const name = `chaos_${++this.#databases}`;
    await this.#asAdmin(async (admin) => {
      if (!this.#ready.has(shape)) await this.#build(admin, shape);
      const strategy = this.#server.versionNum >= 150_000 ? 'STRATEGY file_copy' : '';
      const where = tablespace === undefined ? '' : `TABLESPACE ${tablespace}`;
      await admin.query(`CREATE DATABASE ${name} TEMPLATE template_${shape} ${strategy} ${where}`);
    });
    return name;
  }

  async drop(name: string, after: (admin: Client) => Promise<void> = async () => {}): Promise<void> {
    await this.#asAdmin(async (admin) => {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await after(admin);
    });
  }

  reference(shape: ShapeName): Promise<Reference> {
    const known = this.#references.get(shape);
    if (known !== undefined) return known;
    const reference = this.#measure(shape);
    this.#references.set(shape, reference);
    return reference;
  }

  async #build(admin: Client, shape: ShapeName): Promise<void> {
    const name = `template_${shape}`;
    await admin.query(`CREATE DATABASE ${name}`);
    const client = await session(this.#server.url(name), 'template');
    await client.query(sqlOf(SHAPES[shape]));
    await client.end();
    const isUsed = `SELECT FROM pg_stat_activity WHERE datname = '${name}'`;
    await waitUntil(async () => (await admin.query(isUsed)).rowCount === 0, `the sessions of ${name} to end`);
    this.#ready.add(shape);
  }

  async #measure(shape: ShapeName): Promise<Reference> {
    const name = await this.clone(shape);
    const proxy = await LoopbackProxy.start(this.#server.port);
    const runner = await Runner.start(this.#frozen);
    const observer = await session(this.#server.url(name), 'observer');
    try {
      const databaseUrl = this.#server.url(name, proxy.port);
      const execute = async (operation: 'migrate' | 'rollback') => {
        const statements = new Map<string, number>();
        proxy.listen({
          before: async ({ step }) => void statements.set(step, (statements.get(step) ?? 0) + 1),
          after: async () => undefined,
        });
        const ending = await runner.run({ databaseUrl, input: { table: TABLE, operation }, timeoutMs: RUN_TIMEOUT_MS });
        expectEnding(ending, operation === 'migrate' ? 'MIGRATED' : 'ROLLED_BACK');
        return statements;
      };
      const original = await catalogSnapshot(observer);
      const migrate = await execute('migrate');
      const migrated = withoutMigrationNumber(await catalogSnapshot(observer));
      const rollback = await execute('rollback');
      if ((await catalogSnapshot(observer)) !== original)
        throw new Error(`${shape}: an undisturbed rollback left traces`);
      return { original, migrated, statements: { migrate, rollback } };
    } finally {
      await observer.end();
      await runner.kill();
      await proxy.stop();
      await this.drop(name);
    }
  }

  async #asAdmin<Result>(work: (admin: Client) => Promise<Result>): Promise<Result> {
    await this.#server.up();
    const admin = await session(this.#server.url('postgres'), 'admin');
    try {
      return await work(admin);
    } finally {
      await admin.end();
    }
  }
}

function expectEnding({ status, error, message }: Ending, wanted: string): void {
  if (status !== wanted) throw new Error(`an undisturbed execution ended ${status} ${error} ${message}`);
}
