/** What `npm pack` makes, in a TypeScript project of somebody else. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleNames } from '../../infra/lambda-functions.ts';
import { projectRoot } from './stack.helpers.ts';

const run = promisify(execFile);

/** The 15 lines. */
const APP = `
import { App, Stack } from 'aws-cdk-lib';
import { Vpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { DatabaseAuthentication, PartitionForeignKeyMigration } from 'p2pfk';

const stack = new Stack(new App(), 'Orders', { env: { account: '123456789012', region: 'eu-central-1' } });
const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['a'], privateSubnetIds: ['subnet-1'] });
const securityGroup = SecurityGroup.fromSecurityGroupId(stack, 'Database', 'sg-1');
const authentication = DatabaseAuthentication.iam({ resourceId: 'cluster-ABC123' });
const endpoint = 'orders.cluster-abc.eu-central-1.rds.amazonaws.com';
new PartitionForeignKeyMigration(stack, 'Migration', {
  database: { endpoint, name: 'orders', user: 'p2pfk', authentication, securityGroup },
  network: { vpc },
});
`;

describe('the packed tarball', () => {
  let project: string;
  const inModules = (name: string) => join(project, 'node_modules', name);

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'p2pfk-package-'));
    await run('npm', ['run', 'prepack'], { cwd: projectRoot });
    // What is built is there already; building it again would only disturb the other tests.
    const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
      cwd: projectRoot,
    });
    const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
    await mkdir(inModules('p2pfk'), { recursive: true });
    await run('tar', ['-xzf', join(project, filename), '-C', inModules('p2pfk'), '--strip-components', '1']);
    // What npm would install beside it, without a registry: one copy of CDK for the app and for the construct.
    for (const name of ['aws-cdk-lib', 'constructs', 'zod', '@types/node', 'undici-types']) {
      await mkdir(join(inModules(name), '..'), { recursive: true });
      await symlink(join(projectRoot, 'node_modules', name), inModules(name));
    }
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
    await writeFile(join(project, 'app.ts'), APP);
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'NodeNext',
          target: 'ES2022',
          strict: true,
          skipLibCheck: false,
          noEmit: true,
          types: ['node'],
        },
        files: ['app.ts', 'wrong.ts'],
      }),
    );
  });
  afterAll(() => rm(project, { recursive: true }));

  it('holds the bundle of every function, and neither tests nor sources', async () => {
    const root = inModules('p2pfk');
    expect((await readdir(join(root, 'dist', 'lambdas'))).sort()).toEqual([...bundleNames].sort());
    expect((await readdir(root)).sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'package.json', 'sql'].sort(),
    );
  });

  it('has types that resolve, also without skipLibCheck, and that tell a typing error', async () => {
    await writeFile(join(project, 'wrong.ts'), APP.replace('authentication, ', 'authentification: authentication, '));
    const checked = run(join(projectRoot, 'node_modules', '.bin', 'tsc'), ['-p', project, '--pretty', 'false']);
    const { stdout } = await checked.then(
      () => ({ stdout: '' }),
      (error: { stdout: string }) => error,
    );
    // One error, where it belongs; what follows it is indented.
    const errors = stdout.split('\n').filter((line) => /^\S+\(/.test(line));
    expect(errors).toEqual([expect.stringMatching(/\/wrong\.ts\(12,.*authentification/)]);
  });

  it('synthesizes a stack in 15 lines, with functions and state machines', async () => {
    expect(APP.trim().split('\n').filter(Boolean).length).toBeLessThanOrEqual(15);
    await run(process.execPath, [join(project, 'app.ts')], {
      cwd: project,
      env: { PATH: process.env.PATH, CDK_OUTDIR: join(project, 'cdk.out') },
    });
    const { Resources } = JSON.parse(await readFile(join(project, 'cdk.out', 'Orders.template.json'), 'utf8'));
    const types = Object.values(Resources as Record<string, { Type: string }>).map(({ Type }) => Type);
    expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(bundleNames.length);
    expect(types.filter((type) => type === 'AWS::StepFunctions::StateMachine')).toHaveLength(4);
  });
});
