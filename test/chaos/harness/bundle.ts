/** What a run tests, frozen at its start: the handlers' process as one file, and the state machine with its waits cut. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { projectRoot } from '../../../scripts/bundle.ts';
import { embedSql } from '../../../scripts/embed-sql.ts';

export interface Frozen {
  /** The bundled `child.ts`. */
  readonly child: string;
  /** JSON of the state machine. */
  readonly definition: string;
  /** P2PFK_READERS of the processes that run handlers. */
  readonly readers?: string;
  remove(): void;
}

/** Ten times faster than the state machine's own: a schedule of some seconds sees what else takes a minute. */
const RETRY_SCALE = 0.1;
const LONGEST_RETRY_SECONDS = 1;
const WAIT_SECONDS = 0.5;

/** A statement that is not answered is looked after every 30 s: here every 3 s. */
const LOOKS = {
  file: /core\/unanswered\.ts$/,
  of: 'const LOOK_MS = 30_000;',
  faster: 'const LOOK_MS = 3_000;',
} as const;

/**
 * The state machine as it was built, every retry and wait in its own time.
 *
 * @throws Error when it was not built
 */
export function freezeAsBuilt(): Promise<Frozen> {
  return bundle((definition) => definition, []);
}

/** @throws Error when the state machine was not built */
export function freeze(): Promise<Frozen> {
  return bundle(faster, [fasterLooks]);
}

async function bundle(pace: (definition: unknown) => unknown, plugins: readonly Plugin[]): Promise<Frozen> {
  // Below node_modules, where the packages that are not bundled are found.
  const cache = join(projectRoot, 'node_modules', '.cache', 'p2pfk');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'chaos-'));
  const child = join(directory, 'child.mjs');
  await build({
    entryPoints: [join(projectRoot, 'test', 'chaos', 'harness', 'child.ts')],
    outfile: child,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    keepNames: true,
    plugins: [embedSql(join(projectRoot, 'sql')), ...plugins],
    banner: {
      js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`,
    },
    external: ['@aws-sdk/*', 'aws-local-stepfunctions', 'pg-native'],
    logLevel: 'warning',
  });
  const definition = join(directory, 'state-machine.asl.json');
  const built = readFileSync(join(projectRoot, 'dist', 'state-machine.asl.json'), 'utf8');
  writeFileSync(definition, JSON.stringify(pace(JSON.parse(built))));
  return { child, definition, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

const fasterLooks: Plugin = {
  name: 'faster-looks',
  setup: ({ onLoad }) => {
    onLoad({ filter: LOOKS.file }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes(LOOKS.of)) throw new Error(`${path} has no longer: ${LOOKS.of}`);
      return { contents: text.replace(LOOKS.of, LOOKS.faster), loader: 'ts' };
    });
  },
};

/** Nothing but times: same states, same number of retries, same errors. */
function faster(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(faster);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    if (key === 'IntervalSeconds') return [key, Number(inner) * RETRY_SCALE];
    if (key === 'MaxDelaySeconds') return [key, LONGEST_RETRY_SECONDS];
    return [key, faster(inner)];
  });
  const state = Object.fromEntries(entries) as Record<string, unknown>;
  if (state.Type !== 'Wait') return state;
  const { SecondsPath: _, ...rest } = state;
  return { ...rest, Seconds: WAIT_SECONDS };
}
