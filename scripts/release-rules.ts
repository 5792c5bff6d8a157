/** What a release must fulfil, as far as texts and lists of files show it. */

/** The parts of a package.json that are compared. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly license?: string;
  readonly repository?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** What `npm pack --json` says of a package. */
export interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** The packages' versions, and those in package-lock.json, must be the same. */
export function versionProblems(manifests: readonly Manifest[], locked: Readonly<Record<string, string>>): string[] {
  const [{ version } = { version: '' }] = manifests;
  const others = [...manifests.map((each) => [`${each.name}'s package.json`, each.version]), ...Object.entries(locked)];
  return others.flatMap(([where, other]) =>
    other === version ? [] : [`${where} has version ${other}, and package.json ${version}: make them the same`],
  );
}

/** CHANGELOG.md must have the version, dated, above all others, with what users need; and nothing unreleased. */
export function changelogProblems(changelog: string, version: string): string[] {
  const sections = changelog.split(/^## /m).slice(1);
  const [unreleased, newest] = sections;
  const problems: string[] = [];
  if (!unreleased?.startsWith('[Unreleased]') || unreleased.trim() !== '[Unreleased]')
    problems.push('CHANGELOG.md: what is under [Unreleased] belongs under a version');
  const head = newest?.split('\n', 1)[0] ?? '';
  if (!new RegExp(`^\\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d{2}-\\d{2}$`).test(head))
    problems.push(`CHANGELOG.md: the first version must be "## [${version}] - YYYY-MM-DD", and is "## ${head}"`);
  if (!newest?.includes('\nUpgrade from '))
    problems.push(`CHANGELOG.md: ${version} has no paragraph "Upgrade from ..."`);
  return problems;
}

/** What the registry's page shows and finds a package by. */
export function metadataProblems(manifest: Manifest): string[] {
  return (['description', 'keywords', 'license'] as const).flatMap((key) =>
    manifest[key] === undefined || manifest[key].length === 0 ? [`${manifest.name}: package.json has no ${key}`] : [],
  );
}

/** What a package must and must not contain, and its greatest size. */
export interface Contents {
  readonly needs: readonly string[];
  readonly mostMegabytes: number;
}

export function contentProblems(
  name: string,
  { files, unpackedSize }: Packed,
  { needs, mostMegabytes }: Contents,
): string[] {
  const paths = new Set(files.map(({ path }) => path));
  const missing = needs.filter((path) => !paths.has(path));
  const foreign = [...paths].filter((path) =>
    /(^|\/)(node_modules|test|\.git)\/|\.tgz$|(?<!\.d)\.ts$|(^|\/)\.[^/]+$/.test(path),
  );
  return [
    ...missing.map((path) => `${name}: ${path} is not packed: run npm run build, or see "files" in package.json`),
    ...foreign.map((path) => `${name}: ${path} must not be packed`),
    ...(unpackedSize > mostMegabytes * 1_000_000
      ? [`${name}: ${megabytes(unpackedSize)} unpacked, and ${mostMegabytes} MB at most are allowed`]
      : []),
  ];
}

/** A source map must not name files of other projects. */
export function mapProblems(name: string, path: string, text: string): string[] {
  const { sources } = JSON.parse(text) as { readonly sources: readonly string[] };
  const foreign = sources.find((source) => /(^|\/)node_modules\//.test(source));
  return foreign === undefined ? [] : [`${name}: ${path} maps code of another project, such as ${foreign}`];
}

/**
 * Links of a page must lead to a packed file, or out of the package; those to a version on unpkg.com to this one.
 *
 * @param links href of each link
 */
export function linkProblems(
  page: string,
  links: readonly string[],
  packed: ReadonlySet<string>,
  version: string,
): string[] {
  return links.flatMap((link) => {
    const pinned = /^https:\/\/unpkg\.com\/p2pfk(?:-cdk)?@([^/]+)\//.exec(link)?.[1];
    if (pinned !== undefined)
      return pinned === version ? [] : [`${page}: ${link} is of another version than ${version}`];
    if (/^[a-z]+:|^#/.test(link)) return [];
    const file = new URL(link.replace(/#.*/, ''), `file:///${page}`).pathname.slice(1);
    const leads = packed.has(file) || [...packed].some((path) => path.startsWith(`${file.replace(/\/$/, '')}/`));
    return leads ? [] : [`${page}: ${link} leads to a file that is not packed`];
  });
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
