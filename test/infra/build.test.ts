/** What `npm run build` leaves in `dist/`, and what its parts promise. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleNames } from '../../infra/lambda-functions.ts';
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
    const built = readFileSync(join(projectRoot, 'dist', 'state-machine.asl.json'), 'utf8');
    expect(JSON.parse(built)).toEqual(definition);
  });

  it('holds one bundle for each function, and no other', () => {
    const folder = join(projectRoot, 'dist', 'lambdas');
    expect(readdirSync(folder).sort()).toEqual([...bundleNames].sort());
    for (const name of bundleNames) expect(existsSync(join(folder, name, 'index.mjs'))).toBe(true);
  });

  it('holds bundles that load and export a handler', async () => {
    const expression = (name: string) => `typeof (await import('./dist/lambdas/${name}/index.mjs')).handler`;
    expect(await evaluate(projectRoot, `[${bundleNames.map(expression)}].join()`)).toBe(
      bundleNames.map(() => 'function').join(),
    );
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
    const texts = Object.keys(files).map((name) => `handler('${name}')`);
    const handler = "const { handler } = await import('./dist/lambdas/plan/index.mjs');";
    expect(await evaluate(root, `await (async () => { ${handler} return [${texts}]; })()`)).toEqual(
      Object.values(files),
    );
    await expect(evaluate(root, `await (async () => { ${handler} return handler('nothing'); })()`)).rejects.toThrow(
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
    const path = join(root, 'dist', 'lambdas', 'plan', 'index.mjs');
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
