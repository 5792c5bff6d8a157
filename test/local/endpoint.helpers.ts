/** A local Step Functions endpoint over HTTP, on a machine of one Task that waits until it may end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SFNClient } from '@aws-sdk/client-sfn';
import { beforeAll, onTestFinished } from 'vitest';
import type { Handlers, StateMachineDefinition } from '../../local/engine/engine.ts';
import { type LocalEndpoint, openLocalEndpoint, openStore } from '../../local/local-endpoint.ts';
import { type Endpoint, type ServeOptions, serve } from '../../local/step-functions/endpoint.ts';
import { createDatabase } from '../support/database.ts';
import { fn, machine } from './engine.helpers.ts';

export const ONE_TASK = machine({
  Work: { Type: 'Task', Resource: fn('work'), TimeoutSeconds: 60, End: true },
});

/** Once for a file: the endpoint only needs a database to show that its executions live. */
export function useDatabase(): void {
  beforeAll(async () => {
    const db = await createDatabase();
    process.env.DATABASE_URL = db.url;
    return async () => {
      delete process.env.DATABASE_URL;
      await db.drop();
    };
  });
}

export function stateDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'p2pfk-state-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface Opened {
  readonly local: LocalEndpoint;
  readonly http: Endpoint;
  /** A client that knows nothing of us but the key pair: over HTTP. */
  readonly client: SFNClient;
  readonly warnings: string[];
}

export interface OpenOptions {
  readonly handlers?: Handlers;
  readonly definition?: StateMachineDefinition;
  readonly stateDir?: string;
  readonly listener?: ServeOptions['listener'];
}

export async function open(options: OpenOptions = {}): Promise<Opened> {
  const warnings: string[] = [];
  const warn = (line: string) => warnings.push(line);
  const local = openLocalEndpoint({
    store: openStore(options.stateDir ?? stateDirectory(), warn),
    definition: options.definition ?? ONE_TASK,
    handlers: options.handlers ?? { work: async (event) => event },
    warn,
  });
  const http = await serve({
    service: local.service,
    port: 0,
    ...(options.listener === undefined ? {} : { listener: options.listener }),
  });
  const client = new SFNClient({
    region: 'eu-central-1',
    endpoint: http.url,
    credentials: http.keys,
  });
  onTestFinished(async () => {
    client.destroy();
    await http.close();
    await local.service.settled();
    local.close();
  });
  return { local, http, client, warnings };
}
