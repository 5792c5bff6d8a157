/**
 * The chaos suite: `npm run test:chaos -- --schedules 300`. See docs/chaos.md.
 *
 * Exit code 1 when an invariant was violated, or, from 100 schedules on, when a kind of fault never struck.
 */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { scheduleArbitrary } from './draw.ts';
import { diskFullUnavailable } from './faults/disk.ts';
import { freeze } from './harness/bundle.ts';
import type { ShapeName } from './harness/case.ts';
import { binariesOf, ChaosServer } from './harness/chaos-server.ts';
import { type Reference, Templates } from './harness/templates.ts';
import { runSchedule, type ScheduleResult } from './run-schedule.ts';
import { ALL_KINDS, describeFault, KINDS, type Kind, type Schedule } from './schedule.ts';
import type { World } from './setting.ts';
import { Summary } from './summary.ts';

const USAGE = `usage: npm run test:chaos -- [--schedules N] [--seed S] [--kinds a,b] [--parallel P] [--postgres MAJOR] [--shrink] [--verbose]

  --schedules N   how many (default 12)
  --seed S        of the first schedule (default: a random one, which is printed)
  --kinds a,b     only these kinds of faults: ${ALL_KINDS.join(', ')}
  --parallel P    schedules at the same time, each with a server of its own (default: two for each core)
  --postgres M    13 to 18 (default: P2PFK_TEST_POSTGRES, else the version that came with npm)
  --shrink        look for a simpler schedule that fails too
  --verbose       print the timeline of every schedule, not only of those that fail`;

/** From that many schedules on, a kind that never struck is a defect of the suite. */
const ENOUGH = 100;

const { values: options } = parseArgs({
  options: {
    schedules: { type: 'string', default: '12' },
    seed: { type: 'string' },
    kinds: { type: 'string' },
    parallel: { type: 'string', default: String(2 * availableParallelism()) },
    postgres: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  console.log(USAGE);
} else {
  process.exitCode = await main();
}

async function main(): Promise<number> {
  const schedules = number('schedules', options.schedules, 1);
  const firstSeed = options.seed === undefined ? randomInt(2 ** 31) : number('seed', options.seed, 0);
  const { kinds, unavailable } = wantedKinds();
  const binaries = await binariesOf(options.postgres ?? process.env.P2PFK_TEST_POSTGRES);
  const workers = Math.min(schedules, number('parallel', options.parallel, 1));
  console.log(`chaos: ${schedules} schedules, seed ${firstSeed}`);
  for (const [kind, why] of unavailable) console.log(`chaos: without ${kind}: ${why}`);

  const beganAt = performance.now();
  const frozen = await freeze();
  const references = new Map<ShapeName, Promise<Reference>>();
  const arbitrary = scheduleArbitrary(kinds);
  const summary = new Summary();
  let next = 0;
  const work = async () => {
    const server = await ChaosServer.start(binaries);
    const world: World = { server, frozen, templates: new Templates(server, frozen, references) };
    try {
      while (next < schedules) {
        const index = next++;
        const seed = seedOf(firstSeed, index);
        await oneSchedule(world, arbitrary, seed, (schedule, result, first) => {
          if (first) summary.add(seed, schedule, result);
          tell(index, seed, schedule, result);
        });
      }
    } finally {
      await server.stop();
    }
  };
  try {
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    frozen.remove();
  }

  console.log(`\n${summary.text(kinds, (performance.now() - beganAt) / 1000)}`);
  for (const { seed, result } of summary.failed) {
    console.log(
      `\nviolated with seed ${seed}:\n  ${result.journal.violations.join('\n  ')}\nreplay: ${replay(seed, kinds)}`,
    );
  }
  const never = schedules >= ENOUGH ? summary.neverStruck(kinds) : [];
  if (never.length > 0) console.log(`\nnever struck, a defect of the suite: ${never.join(', ')}`);
  return summary.failed.length > 0 || never.length > 0 ? 1 : 0;
}

/** fast-check draws the schedule, and with --shrink simpler ones as long as they fail. */
async function oneSchedule(
  world: World,
  arbitrary: fc.Arbitrary<Schedule>,
  seed: number,
  told: (schedule: Schedule, result: ScheduleResult, first: boolean) => void,
): Promise<void> {
  let first = true;
  let defect: unknown;
  const property = fc.asyncProperty(arbitrary, async (schedule) => {
    const result = await runSchedule(world, schedule).catch((error: unknown) => {
      defect = error;
      throw error;
    });
    told(schedule, result, first);
    first = false;
    return result.journal.violations.length === 0;
  });
  const details = await fc.check(property, { seed, numRuns: 1, unbiased: true, endOnFailure: !options.shrink });
  if (defect !== undefined) throw defect;
  if (options.shrink && details.failed) {
    console.log(`simplest schedule that fails (after ${details.numShrinks} steps):`);
    console.log(JSON.stringify(details.counterexample?.[0], null, 2));
  }
}

/** The first seed is used as it is, so that a failure is replayed by its own; the others are well apart. */
function seedOf(first: number, index: number): number {
  return index === 0 ? first : Math.imul(first ^ Math.imul(index, 0x9e3779b1), 0x85ebca6b) >>> 1;
}

function tell(index: number, seed: number, schedule: Schedule, result: ScheduleResult): void {
  const bad = result.journal.violations.length > 0;
  const faults = schedule.runs.map((run) => `${run.operation}(${run.faults.map(({ kind }) => kind).join(' ')})`);
  const seconds = (result.milliseconds / 1000).toFixed(1);
  console.log(
    `${bad ? 'FAILED' : 'ok'} ${index + 1} seed ${seed} ${schedule.shape} ${faults.join(' ')} -> ${schedule.end}: ${result.journal.endings.join(', ')} (${seconds} s)`,
  );
  if (!bad && !options.verbose) return;
  for (const fault of schedule.runs.flatMap((run) => run.faults)) console.log(`    drawn ${describeFault(fault)}`);
  for (const line of result.journal.timeline) console.log(`    ${line}`);
  for (const violation of result.journal.violations) console.log(`    VIOLATION ${violation}`);
}

function replay(seed: number, wanted: readonly Kind[]): string {
  // The kinds decide what is drawn: where one is not to be had, the same seed is another schedule.
  const kinds = wanted.length === ALL_KINDS.length ? '' : ` --kinds ${wanted.join(',')}`;
  const postgres = options.postgres === undefined ? '' : ` --postgres ${options.postgres}`;
  return `npm run test:chaos -- --schedules 1 --seed ${seed}${kinds}${postgres}`;
}

function wantedKinds(): { kinds: Kind[]; unavailable: [Kind, string][] } {
  const names = options.kinds === undefined ? ALL_KINDS : options.kinds.split(',');
  const unknown = names.filter((name) => !(name in KINDS));
  if (unknown.length > 0) throw new Error(`unknown kinds: ${unknown.join(', ')}\n${USAGE}`);
  const why = names.includes('disk-full') ? diskFullUnavailable() : undefined;
  const kinds = ALL_KINDS.filter((kind) => names.includes(kind) && !(kind === 'disk-full' && why !== undefined));
  return { kinds, unavailable: why === undefined ? [] : [['disk-full', why]] };
}

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new Error(`--${name} ${text} is not a number\n${USAGE}`);
  return value;
}
