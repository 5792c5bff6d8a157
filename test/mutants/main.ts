/**
 * `npm run test:mutants`: removes one safety rule after the other, in a copy of the working tree, and expects the test that is
 * named for it to fail. First the same tests run without a change, and have to pass. Exit code 1 where a rule can be removed
 * without a test noticing.
 *
 * node test/mutants/main.ts [words of a rule]
 */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS } from './list.ts';
import type { Mutant } from './mutant.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Copies of the tree that work side by side; each starts a PostgreSQL of its own. */
const COPIES = 2;

const SHAPE = 'sql/ledger/expected-shape.sql';

/** A test that hangs without its rule has noticed, too. */
const RUN_TIMEOUT_MS = 180_000;

interface Ran {
  /** Titles of the tests that ran, by whether they passed. */
  readonly passed: ReadonlySet<string>;
  readonly failed: ReadonlySet<string>;
  readonly output: string;
}

type Verdict = 'killed' | 'SURVIVED' | 'BROKEN';

interface Judged {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
  readonly seconds: number;
  readonly why: string;
}

async function main(): Promise<number> {
  const words = process.argv.slice(2).join(' ').toLowerCase();
  const chosen = MUTANTS.filter(({ rule, file }) => `${rule} ${file}`.toLowerCase().includes(words));
  if (chosen.length === 0) return fail([`no rule of test/mutants/rules/ has the words "${words}"`]);
  const missing = chosen.flatMap(problemsOf);
  if (missing.length > 0) return fail(missing);

  const copies = Array.from({ length: Math.min(COPIES, chosen.length) }, copyTree);
  try {
    const red = await runUnchanged(copies, chosen);
    if (red.length > 0) return fail(red);
    const judged = await inParallel(copies, chosen, judge);
    print(judged);
    return judged.every(({ verdict }) => verdict === 'killed') ? 0 : 1;
  } finally {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  }
}

function fail(lines: readonly string[]): number {
  for (const line of lines) console.error(`✗ ${line}`);
  return 1;
}

/** A rule that was moved or reworded is not to be forgotten. */
function problemsOf({ rule, file, find, test }: Mutant): string[] {
  const found = existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8').split(find).length - 1 : 0;
  return [
    ...(found === 1 ? [] : [`${file} has the text of the rule "${rule}" ${found} times instead of once`]),
    ...(existsSync(join(ROOT, test)) ? [] : [`${test}, the test of the rule "${rule}", is not there`]),
  ];
}

/** What git knows and what is new, built, without node_modules, which all copies share. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'p2pfk-mutants-'));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  for (const file of listed.toString('utf8').split('\0')) {
    if (file === '' || file === 'node_modules' || !existsSync(join(ROOT, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  // Some tests start the state machine as it is built.
  execFileSync(process.execPath, ['scripts/build.ts'], { cwd: copy });
  return copy;
}

/** @returns one line for each test that does not pass as it is, or that no title means */
async function runUnchanged(copies: readonly string[], mutants: readonly Mutant[]): Promise<string[]> {
  const files = [...new Set(mutants.map(({ test }) => test))];
  const lines = await inParallel(copies, files, async (copy, file) => {
    const titles = [...new Set(mutants.filter(({ test }) => test === file).map(({ title }) => title))];
    const { passed, output } = await runTests(copy, file, titles);
    return titles
      .filter((title) => !passed.has(title))
      .map((title) => `${file}: "${title}" does not pass without any change\n${output.slice(-2_000)}`);
  });
  return lines.flat();
}

async function judge(copy: string, mutant: Mutant): Promise<Judged> {
  const { file, find, replace, test, title } = mutant;
  const beganAt = performance.now();
  const path = join(copy, file);
  const before = readFileSync(path, 'utf8');
  const after = before.replace(find, () => replace);
  writeFileSync(path, after);
  const shape = join(copy, SHAPE);
  const shapeBefore = readFileSync(shape, 'utf8');
  writeFileSync(shape, shapeOf(shapeBefore, before, after));
  try {
    const { passed, failed, output } = await runTests(copy, test, [title]);
    const verdict = failed.has(title) ? 'killed' : passed.has(title) ? 'SURVIVED' : 'BROKEN';
    // A file that cannot even be loaded is no proof that a test looks at the rule.
    const why = verdict === 'BROKEN' ? `the test did not run:\n${output.slice(-2_000)}` : '';
    return { mutant, verdict, seconds: (performance.now() - beganAt) / 1_000, why };
  } finally {
    writeFileSync(path, before);
    writeFileSync(shape, shapeBefore);
  }
}

/**
 * The ledger's shape has a digest of each of its functions. Without the digest of the changed one the ledger would be refused as
 * drifted, and every test would fail for that reason.
 */
function shapeOf(shape: string, before: string, after: string): string {
  const bodies = (sql: string) => [...sql.matchAll(/AS (\$\w+\$)([\s\S]*?)\1/g)].map(([, , body = '']) => md5(body));
  const changed = bodies(after);
  return bodies(before).reduce((text, digest, place) => text.replace(digest, changed[place] ?? digest), shape);
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

async function runTests(copy: string, file: string, titles: readonly string[]): Promise<Ran> {
  const report = join(copy, 'mutants-report.json');
  rmSync(report, { force: true });
  const pattern = titles.map((title) => `${title.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`).join('|');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  // The matrix has a configuration of its own; there one version is enough.
  const matrix = file.startsWith('test/matrix/')
    ? ['--config', 'vitest.matrix.config.ts', '--project', 'postgres-17']
    : [];
  const options = ['run', file, ...matrix, '-t', pattern, '--maxWorkers=1', '--reporter=default', '--reporter=json'];
  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [vitest, ...options, `--outputFile.json=${report}`],
      { cwd: copy, timeout: RUN_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout, stderr) => resolve(`${stdout}\n${stderr}`),
    );
  });
  const results = existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as Report).testResults : [];
  const titled = (status: string) =>
    new Set(
      results.flatMap(({ assertionResults }) =>
        assertionResults.filter((result) => result.status === status).map(({ title }) => title),
      ),
    );
  return { passed: titled('passed'), failed: titled('failed'), output };
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** Each copy takes the next item as soon as it is through with one; the results are in the order of the items. */
async function inParallel<Item, Result>(
  copies: readonly string[],
  items: readonly Item[],
  work: (copy: string, item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  await Promise.all(
    copies.map(async (copy) => {
      for (let index = next++; index < items.length; index = next++) {
        results[index] = await work(copy, items[index] as Item);
      }
    }),
  );
  return results;
}

function print(judged: readonly Judged[]): void {
  for (const { mutant, verdict, seconds, why } of judged) {
    console.log(`${verdict.padEnd(8)} ${seconds.toFixed(0).padStart(4)} s  ${mutant.rule}`);
    if (verdict !== 'killed') console.log(`               ${mutant.file}; ${mutant.test}: ${mutant.title}\n${why}`);
  }
  const killed = judged.filter(({ verdict }) => verdict === 'killed').length;
  console.log(`\n${killed} of ${judged.length} rules have a test that fails without them`);
}

process.exitCode = await main();
