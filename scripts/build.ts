/**
 * Builds `dist/`, the command line with its pages, its manual page and the state machine that it runs, and `infra/dist/`, the CDK construct with the
 * bundle of the Lambda functions. Run by `npm run build`, and by `npm ci` through `prepare`. Each part is tried even if another one fails; the exit code is 0 only if all succeeded.
 */
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import {
  browserBundles,
  bundleCommandLine,
  bundleConstruct,
  bundleLambdas,
  bundlePages,
  constructFolder,
  distFolder,
  projectRoot,
} from './bundle.ts';
import { NOTICES, noticesOf } from './notices.ts';
import { writeChanged } from './output.ts';
import { noteBuilt } from './rebuild.ts';

interface Part {
  readonly title: string;
  readonly output: string;
  readonly run: () => Promise<void>;
}

const DEFINITION = 'state-machine.asl.json';

const parts: readonly Part[] = [
  {
    title: 'CDK construct',
    output: constructFolder,
    run: async () => {
      const { bundleNames } = await import('../infra/lambda-functions.ts');
      const metafiles = await Promise.all([bundleConstruct(), bundleLambdas({ names: bundleNames })]);
      const contents = noticesOf(projectRoot, metafiles);
      await writeChanged([{ path: join(constructFolder, NOTICES), contents }]);
    },
  },
  { title: 'pages', output: browserBundles, run: () => bundlePages() },
  { title: 'command line', output: join(distFolder, 'cli.js'), run: () => bundleCommandLine() },
  {
    title: 'state machine',
    output: join(distFolder, DEFINITION),
    run: async () => {
      const { builtDefinition } = await import('../infra/built-definition.ts');
      const { validateDefinition } = await import('../local/engine/engine.ts');
      const text = builtDefinition();
      // Validated here once, instead of each time that the command line runs it.
      validateDefinition(JSON.parse(text));
      const contents = Buffer.from(text);
      const folders = [distFolder, constructFolder];
      await writeChanged(folders.map((folder) => ({ path: join(folder, DEFINITION), contents })));
    },
  },
  {
    title: 'manual page',
    output: join(distFolder, 'p2pfk.1'),
    run: async () => {
      const { manPage } = await import('./man-page.ts');
      await writeChanged([{ path: join(distFolder, 'p2pfk.1'), contents: Buffer.from(manPage()) }]);
    },
  },
];

/** Runs one part and prints how long it took. */
async function timed({ title, output, run }: Part): Promise<boolean> {
  const start = performance.now();
  const problem = await run().then(
    () => null,
    // esbuild has already printed each error with its place, so the first line of its summary is enough.
    (error: unknown) => (error instanceof Error ? error.message : String(error)).split('\n', 1)[0],
  );
  const seconds = ((performance.now() - start) / 1000).toFixed(2);
  const line = `${title.padEnd(18)}${relative(projectRoot, output).padEnd(28)}${seconds.padStart(6)} s`;
  if (problem === null) console.log(`built  ${line}`);
  else console.error(`FAILED ${line}\n${problem}`);
  return problem === null;
}

// Before the build is said to have begun: a new folder changes `infra/`, which is a source.
mkdirSync(constructFolder, { recursive: true });
const beganAt = Date.now();
const start = performance.now();
// In parallel: esbuild works in a process of its own while CDK renders the definition in this one.
const succeeded = await Promise.all(parts.map(timed));
console.log(`${((performance.now() - start) / 1000).toFixed(2)} s in all`);
if (succeeded.includes(false)) process.exitCode = 1;
else noteBuilt(beganAt);
