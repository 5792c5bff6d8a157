/**
 * `npm run check`: lint, layers, types, and the tests nearest to what has changed since main; about a minute. All tests are run
 * by `npm test` and `.ci/run`.
 *
 * The nearest tests of a source are those that have its name, or else those that import it. The nearest tests of an SQL file are
 * those of the sources that name it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
/** How many test files start and end within half a minute. */
const MOST = 6;
/** Without the tests that wait for time-outs: test/suites.ts. */
const QUICK = ['--project', 'default', '--project', 'infra', '--passWithNoTests'];

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const find = (pattern: string) => globSync(pattern, { cwd: ROOT });
const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\n');

/** Files that were changed in commits of this branch or in the working tree, and new files. */
function changedFiles(): string[] {
  const main = git('rev-parse', '--verify', '--quiet', 'main')[0] === '' ? 'HEAD' : 'main';
  const [base = 'HEAD'] = git('merge-base', 'HEAD', main);
  const files = [...git('diff', '--name-only', base), ...git('ls-files', '--others', '--exclude-standard')];
  return [...new Set(files)].filter((file) => file !== '' && existsSync(join(ROOT, file)));
}

const tests = find('test/**/*.test.ts').filter(
  (file) => !/^test\/(?:matrix|chaos|property|browser|golden)\//.test(file),
);
const sources = find('{cli,core,infra,lambdas,local,report,scripts,bench}/**/*.ts');
const texts = new Map([...tests, ...sources].map((file) => [file, read(file)]));

/** @returns the test files nearest to a file */
function nearest(file: string): string[] {
  if (tests.includes(file)) return [file];
  if (file.endsWith('.sql')) {
    const name = file.replace(/^sql\/|\.sql$/g, '');
    const users = sources.filter((source) => texts.get(source)?.includes(`'${name}'`));
    const own = file.includes('psql/') ? 'test/psql/thin' : 'test/core/postgres/sql-types.test.ts';
    return [...tests.filter((test) => test.startsWith(own)), ...users.flatMap(nearest)];
  }
  const own = file.replace(/(?:\.helpers)?\.ts$/, '');
  const named = tests.filter((test) => basename(test).startsWith(`${basename(own)}.`) && test.includes(layerOf(file)));
  return named.length > 0 ? named : tests.filter((test) => texts.get(test)?.includes(`/${basename(file)}'`));
}

/** The folder that has a source's tests: `core/steps/forward/x.ts` is tested in `test/core/steps/`. */
function layerOf(file: string): string {
  const parts = dirname(file)
    .replace(/^test\//, '')
    .split('/');
  return `test/${parts.slice(0, 2).join('/')}`;
}

function run(title: string, command: string, ...args: readonly string[]): boolean {
  console.log(`\n=== ${title}`);
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  return status === 0;
}

const changed = changedFiles();
const found = [...new Set(changed.flatMap(nearest))];
const chosen = found.slice(0, MOST);
const passed = [
  run('Lint and layers', 'npm', 'run', '--silent', 'lint'),
  run('Types', 'npm', 'run', '--silent', 'typecheck'),
  chosen.length === 0 ||
    run('Nearest tests', process.execPath, 'node_modules/vitest/vitest.mjs', 'run', ...QUICK, ...chosen),
];
const left = found.slice(MOST);
console.log(
  `\n${changed.length} files have changed, with ${found.length} nearest test files; those of \`npm run test:long\` do not run here.`,
);
if (left.length > 0) console.log(`Not run: npx vitest run ${left.join(' ')}`);
if (passed.includes(false)) process.exitCode = 1;
