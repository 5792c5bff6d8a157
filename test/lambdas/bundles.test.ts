/**
 * The functions as they are deployed: their bundles, in a Node of their own with a Lambda function's environment, against a
 * real PostgreSQL over TLS with a certificate authority of our own. IAM tokens are checked by a stand-in for RDS's front door,
 * since PostgreSQL itself knows none; behind it is the same server.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decode } from '@jridgewell/sourcemap-codec';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleNames, handlerExport } from '../../infra/lambda-functions.ts';
import { type EmbeddedPostgres, FAST, startEmbeddedPostgres } from '../../local/embedded/embedded-postgres.ts';
import { bundleLambdas, projectRoot } from '../../scripts/bundle.ts';
import { THREE_PAIRS } from '../core/case.helpers.ts';
import { type Authority, type FrontDoor, makeAuthority, openFrontDoor } from './tls.helpers.ts';

const run = promisify(execFile);
const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'secret/key+of=tests',
  sessionToken: 'session//token==',
};
const PASSWORD = "it's a secret";
/** Below the root, so that what the Lambda runtime brings along is found in node_modules. */
const BUNDLES = join(projectRoot, 'node_modules', '.cache', 'p2pfk-test-lambdas');

let folder: string;
let postgres: EmbeddedPostgres;
let authority: Authority;
let stranger: Authority;
let door: FrontDoor;
let secrets: Server;
let observer: Client;
let bundled: ReturnType<typeof bundleLambdas>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'p2pfk-tls-'));
  bundled = bundleLambdas({ names: bundleNames, outFolder: BUNDLES });
  postgres = await startEmbeddedPostgres({ settings: FAST });
  authority = makeAuthority(folder, 'ours');
  stranger = makeAuthority(folder, 'stranger');
  observer = new Client({ connectionString: postgres.url });
  await observer.connect();
  await serveTls();
  await observer.query(`CREATE ROLE app_owner; SET ROLE postgres; ${THREE_PAIRS}`);
  await observer.query(`
    ALTER TABLE path OWNER TO app_owner; ALTER TABLE inode OWNER TO app_owner;
    DO $$ DECLARE r regclass; BEGIN
      FOR r IN SELECT relid FROM pg_partition_tree('path') UNION SELECT relid FROM pg_partition_tree('inode') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO app_owner', r);
      END LOOP;
    END $$;
    GRANT USAGE, CREATE ON SCHEMA public TO app_owner`);
  for (const role of ['by_token', 'by_secret']) {
    const file = join(projectRoot, 'sql', 'aws-role.sql');
    await run('psql', ['-X', '-q', '-v', `role=${role}`, '-v', 'table=public.path', '-f', file, postgres.url]);
  }
  await observer.query(`ALTER ROLE by_secret PASSWORD '${PASSWORD.replace("'", "''")}'`);
  door = await openFrontDoor({ authority, credentials: CREDENTIALS, upstreamPort: postgres.port });
  secrets = createServer((_, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify({ SecretString: JSON.stringify({ username: 'by_secret', password: PASSWORD }) }));
  });
  await new Promise<void>((resolve) => secrets.listen(0, '127.0.0.1', resolve));
  await bundled;
});

afterAll(async () => {
  await observer?.end();
  door?.close();
  secrets?.close();
  await postgres?.stop();
  rmSync(folder, { recursive: true });
  rmSync(BUNDLES, { recursive: true, force: true });
});

/** Lets the server take TLS from those who come by password, and trust those who come through the front door. */
async function serveTls(): Promise<void> {
  const { uid, gid } = statSync(join(postgres.directory, 'data'));
  for (const [name, source] of [
    ['server.crt', authority.server.certificate],
    ['server.key', authority.server.key],
  ] as const) {
    const file = join(postgres.directory, 'data', name);
    writeFileSync(file, readFileSync(source), { mode: 0o600 });
    if (process.getuid?.() === 0) chownSync(file, uid, gid);
  }
  const rules = join(postgres.directory, 'data', 'pg_hba.conf');
  const before = readFileSync(rules, 'utf8');
  writeFileSync(
    rules,
    'hostssl all by_secret all scram-sha-256\nhost all by_secret all reject\nhostnossl all by_token 127.0.0.1/32 trust\n',
  );
  appendFileSync(rules, before);
  await observer.query('ALTER SYSTEM SET ssl = on');
  await observer.query('SELECT pg_reload_conf()');
}

interface Outcome {
  readonly results: readonly {
    readonly ok?: Record<string, unknown>;
    readonly error?: string;
    readonly message?: string;
  }[];
  readonly log: string;
}

const SCRIPT = `
const { bundles, calls } = JSON.parse(process.argv[1]);
const results = [];
let migrationId;
for (const { exported, event } of calls) {
  const handler = (await import(bundles + '/index.mjs'))[exported];
  const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 60000 };
  try {
    const ok = await handler({ migrationId, execution: 'arn:aws:states:eu-central-1:1:execution:p2pfk:tls', ...event }, context);
    migrationId ??= ok.migrationId;
    results.push({ ok });
  } catch (failure) {
    const { name: error, message } = failure;
    results.push({ error, message });
    if (process.env.P2PFK_PRINT_STACKS) console.log(failure.stack, failure.cause?.stack);
  }
}
console.log('RESULTS ' + JSON.stringify(results));`;

const IAM = () => ({ DATABASE_AUTHENTICATION: 'iam', PGUSER: 'by_token', PGPORT: String(door.port) });
const SECRET = () => ({
  DATABASE_AUTHENTICATION: 'secret',
  DATABASE_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:p2pfk-AbCdEf',
  AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${(secrets.address() as AddressInfo).port}`,
  PGUSER: 'by_secret',
  // The ledger is the other role's.
  P2PFK_LEDGER_OWNER: 'by_token',
  PGPORT: String(postgres.port),
});

function exportedCall({ name, event }: { readonly name: string; readonly event?: object }) {
  return { exported: handlerExport(name), event };
}

async function invoke(
  calls: readonly { name: string; event?: object }[],
  environment: Record<string, string>,
): Promise<Outcome> {
  const { stdout } = await run(
    process.execPath,
    ['--input-type=module', '-e', SCRIPT, JSON.stringify({ bundles: BUNDLES, calls: calls.map(exportedCall) })],
    {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        AWS_LAMBDA_FUNCTION_NAME: 'p2pfk-test',
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        AWS_SESSION_TOKEN: CREDENTIALS.sessionToken,
        PGHOST: 'localhost',
        PGDATABASE: 'postgres',
        PGSSLMODE: 'verify-full',
        PGSSLROOTCERT: authority.certificate,
        P2PFK_DEPLOYMENT: 'test',
        NODE_OPTIONS: '--enable-source-maps',
        ...environment,
      },
    },
  );
  const line = stdout.split('\n').find((each) => each.startsWith('RESULTS '));
  return { results: JSON.parse(line?.slice('RESULTS '.length) ?? '[]'), log: stdout };
}

const dryRun = [{ name: 'plan', event: { input: { table: 'path', dryRun: true } } }];

describe('the bundled functions', () => {
  it('migrate with an IAM token over verified TLS, as a role that has what sql/aws-role.sql gives it', async () => {
    const pairs = { pair: 1, last: 3 };
    const { results, log } = await invoke(
      [
        { name: 'plan', event: { input: { table: 'path', lockTimeoutMs: 10_000, approval: 'manual' } } },
        { name: 'build-index', event: pairs },
        { name: 'add-foreign-key', event: pairs },
        { name: 'validate-foreign-key', event: pairs },
        { name: 'verify-gate' },
        { name: 'verify-gate' },
        { name: 'plan', event: { input: { table: 'path', lockTimeoutMs: 10_000 } } },
        { name: 'verify-gate' },
        { name: 'drop-parent-foreign-key' },
        { name: 'verify-migration' },
      ],
      IAM(),
    );
    expect(results.map(({ ok, message }) => ok?.status ?? message)).toEqual([
      'PLANNED',
      ...['DONE', 'DONE', 'DONE'],
      ...['AWAITING_APPROVAL', 'AWAITING_APPROVAL', 'PLANNED', 'PASSED', 'DROPPED', 'MIGRATED'],
    ]);
    // Asked twice, told once: an alarm that comes at each look is switched off.
    expect(log.split('"AwaitingApproval":1').length - 1).toBe(1);
    // Embedded metrics stand in the log; no token and no password does.
    expect(log.includes('"PairsValidated":[1,1,1]')).toBe(true);
    expect(/X-Amz-Signature|session\/\/token/.test(log)).toBe(false);
    const { rows } = await observer.query("SELECT role, state FROM p2pfk.migration WHERE table_name = 'public.path'");
    expect(rows).toEqual([{ role: 'by_token', state: 'migrated' }]);
  });

  it('read the password from Secrets Manager, and reach a server that takes this role by TLS alone', async () => {
    const { results, log } = await invoke(dryRun, SECRET());
    expect(results).toEqual([{ ok: expect.objectContaining({ status: 'ALREADY_MIGRATED' }) }]);
    expect(log).not.toContain(PASSWORD);
  });

  it.each([
    ['by secret', SECRET],
    ['by token', IAM],
  ])('refuse a server whose certificate is by another authority, %s', async (_, environment) => {
    const { results } = await invoke(dryRun, { ...environment(), PGSSLROOTCERT: stranger.certificate });
    expect(results).toEqual([
      { error: 'ConnectionRefused', message: expect.stringMatching(/self-signed|unable to verify|certificate/) },
    ]);
  });

  it('refuse a server whose certificate is for another host name', async () => {
    const { results } = await invoke(dryRun, {
      ...SECRET(),
      PGHOST: 'localhost.localdomain.invalid',
      ...resolvesToLoopback(),
    });
    expect(results).toEqual([{ error: 'ConnectionRefused', message: expect.stringMatching(/does not match/) }]);
  });

  it('are refused with a token that has expired, after asking for a new one', async () => {
    door.clockAheadMs = 16 * 60_000;
    const { results, log } = await invoke([{ name: 'audit' }], IAM());
    door.clockAheadMs = 0;
    expect(results).toEqual([
      // What RDS answers for a resource id that is not in the policy, too.
      { error: 'ConnectionRefused', message: expect.stringMatching(/PAM authentication failed.*resourceIds/) },
    ]);
    // The daily audit says so by an alarm of its own.
    expect(log).toContain('"TokenRefused":1');
    expect(door.refusals).toEqual(['expired', 'expired', 'expired']);
  });

  it('refuse an RDS Proxy, and say why', async () => {
    const { results } = await invoke(dryRun, { ...IAM(), PGHOST: 'orders.proxy-abc.eu-central-1.rds.amazonaws.com' });
    expect(results).toEqual([{ error: 'InvalidInput', message: expect.stringContaining('is an RDS Proxy') }]);
  });

  it('are smaller than 1.25 MB together, and have no client of the SDK in them', async () => {
    expect(statSync(join(BUNDLES, 'index.mjs')).size).toBeLessThan(1_250_000);
    const sources = Object.keys((await bundled).inputs);
    expect(sources.filter((source) => /@aws-sdk\/(client-|nested-clients)/.test(source))).toEqual([]);
    expect(sources.filter((source) => source.includes('@aws-sdk/rds-signer')).length).toBeGreaterThan(0);
  });

  it('have a source map of our own files only, which leads from a place in the bundle to its source', async () => {
    const { sources, mappings } = JSON.parse(readFileSync(join(BUNDLES, 'index.mjs.map'), 'utf8')) as SourceMap;
    expect(sources.filter((source) => source.includes('node_modules'))).toEqual([]);
    // A place in the code of another project leads nowhere, and not to the file of ours before it.
    expect(
      decode(mappings)
        .flat()
        .some((segment) => segment.length === 1),
    ).toBe(true);
    const { results, log } = await invoke([{ name: 'plan', event: { input: {} } }], {
      ...IAM(),
      P2PFK_PRINT_STACKS: 'true',
    });
    expect(results).toEqual([expect.objectContaining({ error: 'InvalidInput' })]);
    expect(log).toMatch(/^ +at .*\/(core|lambdas)\/[\w/-]+\.ts:\d+:\d+/m);
  });
});

interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

/** The name is looked up by no server: Node asks this function instead. */
function resolvesToLoopback(): Record<string, string> {
  const code = `import dns from 'node:dns'; dns.lookup = (name, options, done) => (done ?? options)(null, options?.all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4);`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}
