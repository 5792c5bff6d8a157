/** What we cost besides the database: starting, loading, and one state after the other. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { iterationsOf } from '../../core/contracts/event-budget.ts';
import type { Handlers } from '../../local/engine/engine.ts';
import { startExecution } from '../../local/engine/engine.ts';
import { builtDefinition } from '../../local/executions.ts';
import { lambdaBundles } from '../../scripts/bundle.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { succeed } from '../harness/execution.ts';
import { type Findings, type Level, spread, type Table } from '../harness/result.ts';
import { seedPairs } from '../harness/seed.ts';
import { busyMilliseconds } from '../harness/server-log.ts';
import { alternate, type Measure, measure } from '../harness/statistics.ts';

const run = promisify(execFile);
const lambdas = join(lambdaBundles, 'index.mjs');

const SIZES: Readonly<Record<Level, { rounds: number; pairs: number }>> = {
  full: { rounds: 15, pairs: 300 },
  quick: { rounds: 7, pairs: 200 },
  smoke: { rounds: 1, pairs: 5 },
};

export const engine: Benchmark = {
  name: 'engine',
  title: 'What we cost besides the database',
  about: `Commands are timed as whole processes, from their start to their end, beside a Node that does nothing. The time of the
database is what its log says: the union of all statements of that process. Imports are timed in a new process each, as a Lambda
function's cold start loads its bundle. The cost of a state is that of the whole state machine with handlers that answer at once,
over the states entered.`,
  cost: {
    full: { minutes: 3, gigabytes: 0.3 },
    quick: { minutes: 0.6, gigabytes: 0.3 },
    smoke: { minutes: 0.2, gigabytes: 0.1 },
  },
  async run(level, say) {
    const { rounds, pairs } = SIZES[level];
    say('cold starts');
    const starts = await alternate(rounds, {
      'node alone': async () => milliseconds(() => run(process.execPath, ['-e', '0'])),
      'p2pfk --help': async () => (await succeed(['--help'])).milliseconds,
      'p2pfk plan --help': async () => (await succeed(['plan', '--help'])).milliseconds,
    });
    say('plan, besides the database');
    const plan = await planBesidesDatabase(rounds);
    say('imports of the Lambda functions');
    const functions = await importTimes(rounds);
    say('states');
    const states = await statesAlone(rounds, pairs);
    return findings(starts, plan, functions, states);
  },
};

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

interface Plan {
  readonly whole: Measure;
  readonly database: Measure;
  readonly besides: Measure;
}

/** On the size of the source case: 17 pairs. */
function planBesidesDatabase(rounds: number): Promise<Plan> {
  return BenchServer.with(async (server) => {
    await server.create('plan');
    await server.in('plan', (client) => seedPairs(client, { pairs: 17, rows: 1_700, index: true }));
    await server.logDurations('plan');
    const whole: number[] = [];
    const database: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const mark = await server.logPosition();
      const { milliseconds } = await succeed([
        'plan',
        '--json',
        '--table',
        'path',
        '--database-url',
        server.url('plan'),
      ]);
      whole.push(milliseconds);
      database.push(busyMilliseconds(await server.logSince(mark), (name) => name.startsWith('p2pfk')));
    }
    const besides = whole.map((one, round) => one - (database[round] ?? Number.NaN));
    return { whole: measure(whole), database: measure(database), besides: measure(besides) };
  });
}

interface FunctionBundle {
  readonly name: string;
  readonly bytes: number;
  readonly zipped: number;
  readonly load: Measure;
}

/** All functions are one bundle, so each has the same cold start. */
async function importTimes(rounds: number): Promise<FunctionBundle[]> {
  const name = 'all functions';
  const url = JSON.stringify(pathToFileURL(lambdas).href);
  const code = `const from = performance.now(); await import(${url}); console.log(performance.now() - from); process.exit()`;
  const environment = { ...process.env, AWS_LAMBDA_FUNCTION_NAME: 'p2pfk' };
  const times = await alternate(rounds, {
    [name]: async () => {
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { env: environment });
      return Number(stdout.trim().split('\n').at(-1));
    },
  });
  const contents = await readFile(lambdas);
  return [{ name, bytes: contents.length, zipped: gzipSync(contents).length, load: times[name] as Measure }];
}

interface States {
  readonly pairs: number;
  readonly states: number;
  readonly perState: Measure;
}

/** Handlers that answer as the real ones do, without a database. */
function answers(pairs: number): Handlers {
  const all = iterationsOf(
    Array.from({ length: pairs }, (_, index) => ({
      pair: index + 1,
      referencing: `public.path_${index + 1}`,
      rows: 1,
    })),
  );
  const pairResult = async (event: unknown) => ({
    status: 'DONE',
    pair: (event as { pair: number }).pair,
    waitSeconds: 0,
  });
  const plan = {
    status: 'PLANNED',
    migrationId: '1',
    table: 'path',
    referencedTable: 'inode',
    constraint: 'fk',
    database: { systemIdentifier: null, databaseOid: 1, database: 'none', endpoint: 'none:5432' },
  };
  const never = async () => {
    throw new Error('not on the way of a migration that goes well');
  };
  return new Proxy<Handlers>(
    {
      plan: async () => ({ ...plan, pairs: all, maxConcurrency: 4 }),
      'build-index': pairResult,
      'add-foreign-key': pairResult,
      'validate-foreign-key': pairResult,
      'verify-gate': async () => ({ status: 'PASSED', pairs, reason: '', waitSeconds: 0 }),
      'drop-parent-foreign-key': async () => ({ status: 'DROPPED', constraint: 'fk', lockedMs: 1 }),
      'verify-migration': async () => ({ ...plan, status: 'MIGRATED', pairs, checks: [], reason: '' }),
    },
    { get: (known, name) => known[String(name)] ?? never },
  );
}

async function statesAlone(rounds: number, pairs: number): Promise<States> {
  const { definition } = builtDefinition();
  let states = 0;
  const perState: number[] = [];
  for (let round = 0; round < rounds; round++) {
    states = 0;
    const from = performance.now();
    const { outcome } = startExecution({
      definition,
      handlers: answers(pairs),
      input: { table: 'path' },
      executionArn: 'arn:aws:states:local:000000000000:execution:p2pfk:bench',
      name: 'bench',
      onHistory: (event) => {
        if (event.type?.endsWith('StateEntered')) states++;
      },
    });
    const { status, ...more } = await outcome;
    if (status !== 'SUCCEEDED')
      throw new Error(`the execution without a database ended ${status}: ${JSON.stringify(more)}`);
    perState.push((performance.now() - from) / states);
  }
  return { pairs, states, perState: measure(perState) };
}

function findings(
  starts: Readonly<Record<'node alone' | 'p2pfk --help' | 'p2pfk plan --help', Measure>>,
  plan: Plan,
  functions: readonly FunctionBundle[],
  states: States,
): Findings {
  const startTable: Table = {
    title: 'Cold start, ms',
    columns: ['command', 'ms', 'more than Node alone'],
    rows: Object.entries(starts).map(([name, time]) => [name, spread(time), time.median - starts['node alone'].median]),
  };
  const planTable: Table = {
    title: '`plan` of 17 pairs, ms',
    columns: ['whole process', 'the database', 'besides the database'],
    rows: [[spread(plan.whole), spread(plan.database), spread(plan.besides)]],
  };
  const functionTable: Table = {
    title: 'Lambda functions',
    columns: ['function', 'bundle, KiB', 'zipped, KiB', 'import, ms'],
    rows: functions.map(({ name, bytes, zipped, load }) => [name, bytes / 1024, zipped / 1024, spread(load)]),
  };
  const stateTable: Table = {
    title: 'The local engine',
    columns: ['pairs', 'states entered', 'ms a state'],
    rows: [[states.pairs, states.states, spread(states.perState)]],
  };
  const help = starts['p2pfk --help'];
  return {
    tables: [startTable, planTable, functionTable, stateTable],
    targets: [
      {
        what: 'p2pfk --help',
        target: 'under 0.3 s',
        measured: `${(help.median / 1000).toFixed(2)} s`,
        met: help.median < 300,
      },
      {
        what: 'plan, besides the database',
        target: 'under 1 s',
        measured: `${(plan.besides.median / 1000).toFixed(2)} s`,
        met: plan.besides.median < 1_000,
      },
    ],
    charts: [
      {
        id: 'engine-start',
        title: 'Cold start',
        kind: 'bar',
        x: '',
        y: 'milliseconds',
        points: [
          ...Object.entries(starts).map(([name, { median }]) => ({ x: name, y: median, series: 'cold start' })),
          { x: 'plan, besides the database', y: plan.besides.median, series: 'cold start' },
        ],
      },
    ],
    samples: {
      ...Object.fromEntries(Object.entries(starts).map(([name, { samples }]) => [name, samples])),
      'plan besides the database': plan.besides.samples,
      ...Object.fromEntries(functions.map(({ name, load }) => [`import ${name}`, load.samples])),
      'ms a state': states.perState.samples,
    },
  };
}
