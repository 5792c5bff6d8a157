/**
 * `npm run release:check`: whether both packages can be published as they are. A line for each thing that is missing, with what to do;
 * exit code 1 if there is one. `npm publish` runs it with `--publish`, which wants the address of the repository, too.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { marked } from 'marked';
import { projectRoot } from './bundle.ts';
import { isBuilt } from './rebuild.ts';
import {
  type Contents,
  changelogProblems,
  contentProblems,
  linkProblems,
  type Manifest,
  mapProblems,
  megabytes,
  metadataProblems,
  type Packed,
  versionProblems,
} from './release-rules.ts';

const PACKAGES: readonly (Contents & { readonly folder: string; readonly pages: readonly string[] })[] = [
  {
    folder: '.',
    needs: [
      ...['README.md', 'CHANGELOG.md', 'LICENSE', 'SECURITY.md', 'bin/p2pfk.js', 'sql/aws-role.sql', 'docs/aws.md'],
      ...['cli.js', 'p2pfk.1', 'state-machine.asl.json', 'THIRD-PARTY-NOTICES.txt'].map((name) => `dist/${name}`),
    ],
    mostMegabytes: 10,
    pages: ['README.md', 'CHANGELOG.md', 'SECURITY.md'],
  },
  {
    folder: 'infra',
    needs: [
      ...[
        'README.md',
        'LICENSE',
        'dist/lambdas/index.mjs',
        'dist/state-machine.asl.json',
        'dist/THIRD-PARTY-NOTICES.txt',
      ],
      ...['dist/index.js', 'dist/types/infra/index.d.ts', 'dist/index.cjs', 'dist/types-cjs/infra/index.d.ts'],
    ],
    mostMegabytes: 15,
    pages: ['README.md'],
  },
];

const read = (...path: readonly string[]) => readFileSync(join(projectRoot, ...path), 'utf8');
const isPublished = process.argv.includes('--publish');

function lockedVersions(): Readonly<Record<string, string>> {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    readonly packages: Readonly<Record<string, { readonly version?: string }>>;
  };
  return {
    'package-lock.json (p2pfk)': packages['']?.version ?? 'none',
    'package-lock.json (p2pfk-cdk)': packages.infra?.version ?? 'none',
  };
}

function pack(folder: string): Packed {
  const options = ['pack', '--dry-run', '--ignore-scripts', '--json'];
  const [packed] = JSON.parse(
    execFileSync('npm', options, {
      cwd: join(projectRoot, folder),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as [Packed];
  return packed;
}

function linksOf(text: string): string[] {
  const links: string[] = [];
  marked.walkTokens(marked.lexer(text), (token) => {
    if (token.type === 'link' || token.type === 'image') links.push(token.href);
  });
  return links;
}

function treeProblems(): string[] {
  const changed = execFileSync('git', ['status', '--porcelain'], { cwd: projectRoot, encoding: 'utf8' }).trim();
  return changed === '' ? [] : [`The working tree has changes: commit them (${changed.split('\n').length} files)`];
}

const manifests = PACKAGES.map(({ folder }) => JSON.parse(read(folder, 'package.json')) as Manifest);
const version = manifests[0]?.version ?? '';
const problems = [
  ...versionProblems(manifests, lockedVersions()),
  ...changelogProblems(read('CHANGELOG.md'), version),
  ...manifests.flatMap(metadataProblems),
  ...(read('infra', 'LICENSE') === read('LICENSE') ? [] : ['infra/LICENSE is not LICENSE: copy it']),
  ...treeProblems(),
];
if (isBuilt()) {
  execFileSync(process.execPath, [join(projectRoot, 'scripts', 'construct-types.ts')]);
  for (const [at, { folder, pages, ...contents }] of PACKAGES.entries()) {
    const name = manifests[at]?.name ?? folder;
    const packed = pack(folder);
    const paths = packed.files.map(({ path }) => path);
    console.log(
      `${name} ${version}: ${paths.length} files, ${megabytes(packed.size)} packed, ${megabytes(packed.unpackedSize)} unpacked`,
    );
    problems.push(
      ...contentProblems(name, packed, contents),
      ...paths.filter((path) => path.endsWith('.map')).flatMap((path) => mapProblems(name, path, read(folder, path))),
      ...pages.flatMap((page) => linkProblems(page, linksOf(read(folder, page)), new Set(paths), version)),
    );
  }
} else problems.push('What is built is older than the sources: run npm run build');

const unplaced = manifests.filter(({ repository }) => repository === undefined).map(({ name }) => name);
if (unplaced.length > 0) {
  const line = `${unplaced.join(' and ')}: package.json has no "repository", without which the registry's page cannot follow README's links`;
  if (isPublished) problems.push(line);
  else console.log(`Before publishing: ${line}`);
}
for (const problem of problems) console.error(`✗ ${problem}`);
if (problems.length > 0) process.exitCode = 1;
else console.log(`✓ ${version} can be released`);
