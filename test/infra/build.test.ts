/** What `npm run build` leaves in `dist/` and `infra/dist/`, and what its parts promise. */
import { execFile } from 'node:child_process';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleNames, handlerExport } from '../../infra/lambda-functions.ts';
import { bundleCommandLine, bundleLambdas } from '../../scripts/bundle.ts';
import { readSqlFiles } from '../../scripts/embed-sql.ts';
import { definition } from './definition.helpers.ts';
import { exampleContext, projectRoot } from './stack.helpers.ts';

const run = promisify(execFile);

/** Evaluates an expression in a Node of its own: vitest would transform what is imported in this one. */
async function evaluate(folder: string, expression: string): Promise<unknown> {
  const code = `console.log(JSON.stringify(${expression}))`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: folder });
  return JSON.parse(stdout);
}

describe('dist/', () => {
  it('holds the definition that CDK synthesizes; if this fails, run `npm run build`', () => {
    for (const folder of ['dist', 'infra/dist']) {
      const built = readFileSync(join(projectRoot, folder, 'state-machine.asl.json'), 'utf8');
      expect(JSON.parse(built)).toEqual(definition);
    }
  });

  it('holds one bundle that exports the handler of each function, and no other', async () => {
    const folder = join(projectRoot, 'infra', 'dist', 'lambdas');
    expect(readdirSync(folder).sort()).toEqual(['index.mjs', 'index.mjs.map']);
    const exported = await evaluate(
      folder,
      "Object.entries(await import('./index.mjs')).map(([k, v]) => k + typeof v)",
    );
    expect((exported as string[]).sort()).toEqual(bundleNames.map((name) => `${handlerExport(name)}function`).sort());
  });

  it('holds no source map of other projects, but the notices that their licences want', () => {
    for (const folder of ['dist', 'infra/dist']) {
      const maps = globSync('**/*.map', { cwd: join(projectRoot, folder) });
      expect(maps.length).toBeGreaterThan(0);
      for (const map of maps) {
        const { sources } = JSON.parse(readFileSync(join(projectRoot, folder, map), 'utf8')) as { sources: string[] };
        expect(sources.filter((source) => source.includes('node_modules'))).toEqual([]);
      }
      const notices = readFileSync(join(projectRoot, folder, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
      expect(notices).toMatch(/^zod [\d.]+: MIT$/m);
      expect(notices).toContain('Copyright (c) 2025 Colin McDonnell');
    }
  });
});

describe('the CDK app', () => {
  it('synthesizes without credentials, from the settings of cdk.json', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'p2pfk-app-'));
    try {
      await run(process.execPath, ['scripts/cdk-app.ts'], {
        cwd: projectRoot,
        env: { PATH: process.env.PATH, CDK_OUTDIR: folder, CDK_CONTEXT_JSON: JSON.stringify(exampleContext()) },
      });
      expect(await readdir(folder)).toContain('p2pfk.template.json');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('bundling', () => {
  let root: string;
  const file = async (name: string, text: string) => {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), text);
  };
  const bundle = () => bundleLambdas({ names: ['plan'], root, outFolder: join(root, 'dist', 'lambdas') });

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'p2pfk-bundle-'));
    await file('sql/catalog/pairs.sql', "SELECT 'äöü', :'table' -- `$x` $& \\\n");
    await file('sql/session.sql', 'SET x = 1\n');
    await file(
      'core/postgres/sql-files.ts',
      "export function readSql(): string { throw new Error('reads the disk'); }\n",
    );
    await file('lambdas/handler.ts', 'export const handlerOf = (step) => step;\n');
    await file('core/steps/forward/plan.ts', "export { readSql as step } from '../../postgres/sql-files.ts';\n");
    await file('cli/main.ts', "console.log((await import('../core/postgres/sql-files.ts')).readSql('session'));\n");
  });
  afterAll(() => rm(root, { recursive: true }));

  it('embeds every SQL file, character for character, and reads none at run time', async () => {
    await bundle();
    const files = await readSqlFiles(join(root, 'sql'));
    const texts = Object.keys(files).map((name) => `plan('${name}')`);
    const handler = "const { plan } = await import('./dist/lambdas/index.mjs');";
    expect(await evaluate(root, `await (async () => { ${handler} return [${texts}]; })()`)).toEqual(
      Object.values(files),
    );
    await expect(evaluate(root, `await (async () => { ${handler} return plan('nothing'); })()`)).rejects.toThrow(
      'There is no sql/nothing.sql in this build',
    );
  });

  it('embeds the SQL of this product under the names that the code uses', async () => {
    const files = await readSqlFiles(join(projectRoot, 'sql'));
    expect(Object.keys(files)).toEqual(expect.arrayContaining(['session', 'catalog/pairs']));
  });

  it('splits the command line, and removes what an earlier build left', async () => {
    const outFolder = join(root, 'dist');
    await file('dist/chunk-OLD.js', 'stale');
    // What bin/p2pfk.js reads before it starts another Node.
    await file('local/trusted-path.ts', 'export const intruderAbove = () => null;');
    await bundleCommandLine({ root, outFolder });
    const names = await readdir(outFolder);
    expect(names).toEqual(expect.arrayContaining(['cli.js', 'trusted-path.js']));
    expect(names).not.toContain('chunk-OLD.js');
    expect(names.filter((name) => /^chunk-\w+\.js$/.test(name)).length).toBeGreaterThan(0);
    expect((await run(process.execPath, [join(outFolder, 'cli.js')])).stdout).toContain('SET x = 1');
  });

  it('leaves an unchanged file alone, because a running command may be reading it', async () => {
    const path = join(root, 'dist', 'lambdas', 'index.mjs');
    await bundle();
    await utimes(path, 1, 1);
    await bundle();
    expect((await stat(path)).mtimeMs).toBe(1000);
    await file('core/steps/forward/plan.ts', "export const step = () => 'changed';\n");
    await bundle();
    expect((await stat(path)).mtimeMs).toBeGreaterThan(1000);
    expect(await readFile(path, 'utf8')).toContain('changed');
  });

  it('fails, naming the file, when a source is missing', async () => {
    await expect(
      bundleLambdas({ names: ['nothing'], root, outFolder: join(root, 'x'), logLevel: 'silent' }),
    ).rejects.toThrow(/nothing\.ts/);
  });
});
