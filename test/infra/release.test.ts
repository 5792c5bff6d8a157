/** The rules of `npm run release:check`, and that this working tree fulfils those that do not depend on a build. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import construct from '../../infra/package.json' with { type: 'json' };
import commandLine from '../../package.json' with { type: 'json' };
import {
  changelogProblems,
  contentProblems,
  linkProblems,
  mapProblems,
  metadataProblems,
  versionProblems,
} from '../../scripts/release-rules.ts';
import { projectRoot } from './stack.helpers.ts';

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');

describe('the working tree', () => {
  it('has one version in both packages and in package-lock.json, and its metadata', () => {
    const { packages } = JSON.parse(read('package-lock.json'));
    expect(
      versionProblems([commandLine, construct], { p2pfk: packages[''].version, cdk: packages.infra.version }),
    ).toEqual([]);
    expect([commandLine, construct].flatMap(metadataProblems)).toEqual([]);
    expect(read('infra/LICENSE')).toBe(read('LICENSE'));
  });

  it('has the version in the changelog, with notes for an upgrade', () => {
    expect(read('CHANGELOG.md')).toContain(`\n## [${commandLine.version}] - `);
    expect(read('CHANGELOG.md')).toContain('\nUpgrade from 0.1:');
  });
});

describe('the release check', () => {
  it('refuses versions that differ', () => {
    const [problem] = versionProblems([commandLine, { ...construct, version: '0.0.9' }], {});
    expect(problem).toMatch(/^p2pfk-cdk's package\.json has version 0\.0\.9, /);
    expect(versionProblems([commandLine], { 'package-lock.json': '0.0.9' })).toHaveLength(1);
  });

  it('refuses a changelog without the version, its date, or its upgrade, or with something unreleased', () => {
    const good =
      '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-28\n\nUpgrade from 1.2.2: nothing.\n\n## [1.2.2] - 2026-11-01\n';
    expect(changelogProblems(good, '1.2.3')).toEqual([]);
    expect(changelogProblems(good, '1.2.4')).toHaveLength(1);
    expect(changelogProblems(good.replace(' - 2026-11-28', ''), '1.2.3')).toHaveLength(1);
    expect(changelogProblems(good.replace('Upgrade', 'Nothing'), '1.2.3')).toHaveLength(1);
    expect(changelogProblems(good.replace('[Unreleased]\n', '[Unreleased]\n\n- New\n'), '1.2.3')).toHaveLength(1);
  });

  it('refuses a package that lacks a file, has a source or a test, or is too large', () => {
    const packed = (paths: readonly string[], unpackedSize = 1) => ({
      size: 1,
      unpackedSize,
      files: paths.map((path) => ({ path, size: 1 })),
    });
    const contents = { needs: ['dist/cli.js'], mostMegabytes: 1 };
    const problems = (paths: readonly string[], size?: number) => contentProblems('p', packed(paths, size), contents);
    expect(problems(['dist/cli.js', 'dist/types/index.d.ts'])).toEqual([]);
    expect(problems([])).toEqual([expect.stringContaining('dist/cli.js is not packed')]);
    for (const path of ['core/errors.ts', 'test/x.js', 'dist/.built', 'old.tgz'])
      expect(problems(['dist/cli.js', path])).toEqual([`p: ${path} must not be packed`]);
    expect(problems(['dist/cli.js'], 2_000_000)).toEqual([expect.stringContaining('2.0 MB unpacked')]);
  });

  it('refuses a source map of another project', () => {
    const map = (source: string) => JSON.stringify({ sources: ['../cli/main.ts', source] });
    expect(mapProblems('p', 'x.map', map('../core/x.ts'))).toEqual([]);
    expect(mapProblems('p', 'x.map', map('../node_modules/pg/lib/index.js'))).toHaveLength(1);
  });

  it('refuses a link to a file that is not packed, or to another version', () => {
    const packed = new Set(['docs/aws.md', 'sql/README.md']);
    const problems = (...links: readonly string[]) => linkProblems('docs/x.md', links, packed, '1.2.3');
    expect(
      problems('aws.md#deploy', '../sql/', '#here', 'https://example.org/', 'https://unpkg.com/p2pfk@1.2.3/x'),
    ).toEqual([]);
    expect(problems('../test/x.ts', 'https://unpkg.com/p2pfk@1.2.2/x')).toHaveLength(2);
  });

  it('wants a description and keywords', () => {
    expect(metadataProblems({ name: 'p', version: '1', license: 'MIT', keywords: [] })).toHaveLength(2);
  });
});
