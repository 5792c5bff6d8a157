/**
 * From the template to a migrated table, in an emulator of AWS: moto's CloudFormation takes the template apart, and its
 * interpreter of the Amazon States Language, which has nothing in common with the local engine, runs the deployed definition.
 * The functions are their bundles, against a real PostgreSQL. Only where Python has moto; emulator.py tells what is replaced.
 */
import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, it } from 'vitest';
import { stepNames } from '../../core/contracts/steps/catalogue.ts';
import { bundleLambdas } from '../../scripts/bundle.ts';
import { databaseWith, foreignKeys } from '../core/case.helpers.ts';
import { projectRoot, synthesize } from './stack.helpers.ts';

const installed = spawnSync('python3', ['-c', 'import moto, boto3, antlr4']).status === 0;
/** Below the root, so that what the Lambda runtime brings along is found in node_modules. */
const BUNDLES = join(projectRoot, 'node_modules', '.cache', 'p2pfk-emulator-lambdas');
afterAll(() => rmSync(BUNDLES, { recursive: true, force: true }));

interface Emulated {
  readonly stack: string;
  readonly types: readonly string[];
  readonly leftOut: readonly string[];
  readonly executions: readonly {
    readonly status: string;
    readonly output: string | null;
    readonly error: string | null;
    readonly cause: string | null;
    readonly entered: readonly string[];
  }[];
}

it.skipIf(!installed)(
  'deploys the stack, migrates, and rolls back as asked, by an interpreter that is not ours',
  // Python interprets every state: slow on a machine that is busy.
  { timeout: 400_000 },
  async () => {
    const { db, observer } = await databaseWith();
    const before = await foreignKeys(observer);
    const { template, bundle } = await deployable();
    const inputs = [
      { table: 'public.path', lockTimeoutMs: 10_000 },
      { table: 'public.path', lockTimeoutMs: 10_000 },
      { table: 'public.path', operation: 'rollback', lockTimeoutMs: 10_000 },
      { tabel: 'public.path' },
    ];
    // The template's PGSSLMODE insists on TLS, which this server has not; test/lambdas has one with.
    const environment = { DATABASE_URL: db.url, PGSSLMODE: 'disable' };
    const task = { template, bundle, node: process.execPath, environment, inputs };
    const { stack, leftOut, executions } = await emulate(task);

    expect(stack).toBe('CREATE_COMPLETE');
    // What this emulator does not know; a longer list would be a test of less.
    expect(leftOut).toEqual([
      'AWS::CloudWatch::Alarm',
      'AWS::SNS::TopicPolicy',
      'AWS::SQS::QueuePolicy',
      'AWS::Scheduler::Schedule',
      'AWS::Scheduler::ScheduleGroup',
    ]);
    const [migrated, again, rolledBack, refused] = executions;
    expect(migrated).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(JSON.parse(migrated?.output ?? '')).toMatchObject({ status: 'MIGRATED', pairs: 3 });
    expect(migrated?.entered.filter((state) => state === 'ForeignKeyValid')).toHaveLength(3);
    expect(migrated?.entered.at(-1)).toBe('Migrated');
    expect(again?.entered).toEqual(['Plan', 'NothingToDo?', 'NothingChanged']);
    expect(rolledBack).toMatchObject({ status: 'SUCCEEDED' });
    expect(rolledBack?.entered.at(-1)).toBe('RollbackCompleted');
    expect(await foreignKeys(observer)).toEqual(before);
    expect(refused).toMatchObject({ status: 'FAILED', error: 'InvalidInput', cause: expect.stringContaining('tabel') });
  },
);

/** The template, and the file of the functions' bundle. */
async function deployable() {
  const bundled = bundleLambdas({ names: stepNames, outFolder: BUNDLES });
  const template = synthesize();
  await bundled;
  return { template: JSON.stringify(template.toJSON()), bundle: join(BUNDLES, 'index.mjs') };
}

async function emulate(task: object): Promise<Emulated> {
  const python = spawn('python3', [join(import.meta.dirname, 'emulator.py')]);
  const output = Promise.all([text(python.stdout), text(python.stderr)]);
  python.stdin.end(JSON.stringify(task));
  const [stdout, stderr] = await output;
  const document = stdout.trim().split('\n').at(-1) ?? '';
  if (!document.startsWith('{')) throw new Error(`the emulator failed: ${stderr.slice(-6_000)}`);
  return JSON.parse(document) as Emulated;
}
