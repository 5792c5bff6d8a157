/** How everything grows with the number of pairs, with hardly any rows in them. */
import { Client } from 'pg';
import { forecastDrop } from '../../core/catalog/server-facts.ts';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { connect } from '../../core/ledger/connect.ts';
import { planMigration } from '../../core/plan/read-plan.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { type InsideView, lookInside, runCommand } from '../harness/execution.ts';
import { type Cell, type Findings, type Level, spread, type Table, type Target } from '../harness/result.ts';
import { seedPairs } from '../harness/seed.ts';
import { alternate, type Measure, timed } from '../harness/statistics.ts';

const SIZES: Readonly<Record<Level, { migrated: number[]; planned: number[]; rounds: number }>> = {
  full: { migrated: [17, 100, 400, 1_000], planned: [17, 100, 400, 1_000, 4_000], rounds: 5 },
  quick: { migrated: [17, 100, 400], planned: [17, 100, 400, 1_000], rounds: 3 },
  smoke: { migrated: [3, 5], planned: [3, 5], rounds: 2 },
};

const ROWS_PER_PAIR = 10;

/** Lock budget of the drop, in milliseconds: wide, since what is measured is how long it takes. */
const LOCK_TIMEOUT_MS = 10_000;

/** Before 18 the way back of so many pairs would block writes; there is none here to block. */
const INPUT = { table: 'path', allowBlockingRollback: true, lockTimeoutMs: LOCK_TIMEOUT_MS };

interface Planned {
  readonly pairs: number;
  readonly plan: Measure;
  readonly queries: number;
  readonly documentBytes: number;
  readonly maxRssMiB: number;
}

interface Migrated {
  readonly pairs: number;
  readonly view: InsideView;
  /** Milliseconds that the drop held its locks. */
  readonly lockedMs: number;
  /** Of these, what PostgreSQL's own ALTER TABLE ... DROP CONSTRAINT took. */
  readonly statementMs: number;
  readonly audit: Measure;
  readonly verify: Measure;
  readonly auditMiB: number;
}

export const partitions: Benchmark = {
  name: 'partitions',
  title: 'How cost grows with the number of partitions',
  about: `Equal pairs with ${ROWS_PER_PAIR} rows each, so that what is measured is our own work and the catalog's. \`plan\` is
called in this process, and once as a command for the memory of its process. The migration runs in a process of its own, four
pairs side by side; the time of a function counts each call in full, also those side by side. Events are those that the history
would have in AWS (25,000 at most); the payload is the largest input or output of any state (256 KiB at most).`,
  cost: {
    full: { minutes: 4, gigabytes: 1 },
    quick: { minutes: 2, gigabytes: 1 },
    smoke: { minutes: 0.2, gigabytes: 0.2 },
  },
  async run(level, say) {
    const { migrated: sizes, planned: planSizes, rounds } = SIZES[level];
    return BenchServer.with(async (server) => {
      const planned: Planned[] = [];
      const migrated: Migrated[] = [];
      for (const pairs of planSizes) {
        say(`${pairs} pairs: seeding`);
        await server.create('pairs');
        await server.in('pairs', (client) => seedPairs(client, { pairs, rows: pairs * ROWS_PER_PAIR, index: true }));
        say(`${pairs} pairs: plan`);
        planned.push(await measurePlan(server, pairs, rounds));
        if (sizes.includes(pairs)) {
          say(`${pairs} pairs: migrate, audit, verify`);
          migrated.push(await measureMigration(server, pairs, rounds));
        }
        await server.drop('pairs');
      }
      return findings(planned, migrated);
    });
  },
};

async function measurePlan(server: BenchServer, pairs: number, rounds: number): Promise<Planned> {
  const databaseUrl = server.url('pairs');
  let queries = 0;
  let documentBytes = 0;
  const plan = async () => {
    const client = await connect({ databaseUrl, applicationName: 'bench plan' });
    const { query } = Client.prototype;
    const counting = client as { query: unknown };
    queries = 0;
    counting.query = function counted(this: Client, ...parameters: unknown[]) {
      queries++;
      return (query as (...all: unknown[]) => unknown).apply(this, parameters);
    };
    let milliseconds = 0;
    try {
      const from = performance.now();
      const document = await planMigration(client, ExecutionInput.parse(INPUT));
      milliseconds = performance.now() - from;
      documentBytes = Buffer.byteLength(JSON.stringify(document));
    } finally {
      await client.end();
    }
    return milliseconds;
  };
  const measured = await alternate(rounds, { plan });
  const command = await runCommand([
    'plan',
    '--json',
    '--allow-blocking-rollback',
    '--table',
    'path',
    '--database-url',
    databaseUrl,
  ]);
  return { pairs, plan: measured.plan, queries, documentBytes, maxRssMiB: command.maxRssMiB };
}

async function measureMigration(server: BenchServer, pairs: number, rounds: number): Promise<Migrated> {
  const databaseUrl = server.url('pairs');
  const view = await lookInside({ databaseUrl, input: INPUT });
  const dropped = await server.in('pairs', async (client) => {
    const { rows } = await client.query<{ locked_ms: number | null; statement_ms: number | null }>(
      `SELECT max(lock_held_ms) AS locked_ms, max(duration_ms) FILTER (WHERE sql LIKE 'ALTER TABLE % DROP CONSTRAINT %') AS statement_ms
         FROM p2pfk.event WHERE step = 'DropParentForeignKey' AND error IS NULL`,
    );
    return { lockedMs: rows[0]?.locked_ms ?? Number.NaN, statementMs: rows[0]?.statement_ms ?? Number.NaN };
  });
  let auditMiB = 0;
  const measured = await alternate(rounds, {
    audit: () =>
      timed(async () => {
        auditMiB = (await runCommand(['audit', '--json', '--table', 'path', '--database-url', databaseUrl])).maxRssMiB;
      }),
    verify: () => timed(() => runCommand(['verify', '--json', '--table', 'path', '--database-url', databaseUrl])),
  });
  return { pairs, view, ...dropped, ...measured, auditMiB };
}

/** Milliseconds of a function, all of its calls. */
function total({ view }: Migrated, name: string): number {
  return view.functions[name]?.milliseconds ?? Number.NaN;
}

const PER_PAIR = ['build-index', 'add-foreign-key', 'validate-foreign-key'] as const;
const ONCE = ['verify-gate', 'drop-parent-foreign-key', 'verify-migration'] as const;

function findings(planned: readonly Planned[], migrated: readonly Migrated[]): Findings {
  const planTable: Table = {
    title: 'plan',
    columns: ['pairs', 'ms', 'ms a pair', 'queries', 'document, KiB', 'memory of the process, MiB'],
    rows: planned.map(({ pairs, plan, queries, documentBytes, maxRssMiB }) => [
      pairs,
      spread(plan),
      plan.median / pairs,
      queries,
      documentBytes / 1024,
      maxRssMiB,
    ]),
  };
  const wholeTable: Table = {
    title: 'The whole migration',
    columns: [
      'pairs',
      'outcome',
      's',
      'ms a pair',
      'states',
      'events',
      'payload, KiB',
      'memory, MiB',
      'drop holds its locks, ms',
      'of which DROP CONSTRAINT, ms',
      'forecast, ms',
    ],
    rows: migrated.map(({ pairs, view, lockedMs, statementMs }) => [
      pairs,
      view.outcome.split(':')[0] ?? '',
      view.milliseconds / 1000,
      view.milliseconds / pairs,
      view.states,
      view.events,
      view.largestPayload / 1024,
      view.maxRssMiB,
      Number.isFinite(lockedMs) ? lockedMs : null,
      Number.isFinite(statementMs) ? statementMs : null,
      forecastDrop(pairs),
    ]),
  };
  const stepTable: Table = {
    title: 'Each function, in ms a pair',
    columns: ['pairs', ...PER_PAIR, ...ONCE, 'queries a pair, all functions'],
    rows: migrated.map((one) => [
      one.pairs,
      ...[...PER_PAIR, ...ONCE].map((name): Cell => (one.view.functions[name] ? total(one, name) / one.pairs : null)),
      Object.values(one.view.functions).reduce((sum, { queries }) => sum + queries, 0) / one.pairs,
    ]),
    note: 'Four calls side by side share two cores with the server, so a call takes about twice as long as alone.',
  };
  const afterTable: Table = {
    title: 'audit and verify, as commands',
    columns: ['pairs', 'audit, ms', 'verify, ms', 'memory of audit, MiB'],
    rows: migrated.map(({ pairs, audit, verify, auditMiB }) => [pairs, spread(audit), spread(verify), auditMiB]),
    note: 'The start of the process is in it.',
  };
  return {
    tables: [planTable, wholeTable, stepTable, afterTable],
    targets: targets(planned, migrated),
    charts: [
      {
        id: 'partitions-plan',
        title: 'plan, by number of pairs',
        kind: 'line',
        x: 'pairs',
        y: 'milliseconds',
        logarithmic: true,
        points: planned.map(({ pairs, plan }) => ({ x: pairs, y: plan.median, series: 'plan' })),
      },
      {
        id: 'partitions-steps',
        title: 'Milliseconds a pair, by number of pairs: level is linear',
        kind: 'line',
        x: 'pairs',
        y: 'milliseconds a pair',
        logarithmic: true,
        points: migrated.flatMap((one) =>
          [...PER_PAIR, ...ONCE].flatMap((name) =>
            one.view.functions[name] ? [{ x: one.pairs, y: total(one, name) / one.pairs, series: name }] : [],
          ),
        ),
      },
    ],
    samples: Object.fromEntries([
      ...planned.map(({ pairs, plan }) => [`plan ${pairs}`, plan.samples] as const),
      ...migrated.flatMap(({ pairs, audit, verify }) => [
        [`audit ${pairs}`, audit.samples] as const,
        [`verify ${pairs}`, verify.samples] as const,
      ]),
    ]),
  };
}

function targets(planned: readonly Planned[], migrated: readonly Migrated[]): Target[] {
  const large = planned.find(({ pairs }) => pairs === 1_000) ?? planned.at(-1);
  const found: Target[] = [];
  if (large) {
    found.push({
      what: `plan of ${large.pairs} pairs`,
      target: 'under 5 s',
      measured: `${(large.plan.median / 1000).toFixed(2)} s`,
      met: large.plan.median < 5_000,
    });
  }
  const counts = new Set(planned.map(({ queries }) => queries));
  found.push({
    what: 'queries of plan',
    target: 'the same number, however many pairs',
    measured: [...counts].join(', '),
    met: counts.size === 1,
  });
  const locked = migrated.filter(({ lockedMs }) => Number.isFinite(lockedMs));
  const most = locked.at(-1);
  if (most) {
    const ratios = locked.map(({ pairs, lockedMs }) => [pairs, forecastDrop(pairs) / lockedMs] as const);
    found.push({
      what: `the drop holds its locks, ${most.pairs} pairs`,
      target: 'under 150 ms',
      measured: `${Math.round(most.lockedMs)} ms`,
      met: most.lockedMs < 150,
      ...(most.lockedMs < 150
        ? {}
        : {
            reason: `PostgreSQL's own ALTER TABLE ... DROP CONSTRAINT takes ${Math.round(most.statementMs)} ms of it: it removes two constraints and four triggers a pair, one by one`,
          }),
    });
    found.push({
      what: 'the forecast of that time',
      target: 'within 1.5 times',
      measured: ratios.map(([pairs, ratio]) => `${pairs} pairs ${ratio.toFixed(2)}`).join(', '),
      met: ratios.every(([, ratio]) => ratio < 1.5 && ratio > 1 / 1.5),
    });
  }
  // The smaller one has to be large enough that the fixed cost of a call does not hide the growth.
  const small = migrated.find(({ pairs }) => pairs === 100) ?? migrated[0];
  const big = migrated.at(-1);
  if (small && big) {
    const ratios = [
      ['all', big.view.milliseconds / big.pairs / (small.view.milliseconds / small.pairs)] as const,
      ...[...PER_PAIR, ...ONCE].map(
        (name) => [name, total(big, name) / big.pairs / (total(small, name) / small.pairs)] as const,
      ),
      ['audit', big.audit.median / big.pairs / (small.audit.median / small.pairs)] as const,
    ].filter(([, ratio]) => Number.isFinite(ratio));
    const worst = ratios.reduce((a, b) => (b[1] > a[1] ? b : a));
    found.push({
      what: `time a pair at ${big.pairs} pairs, compared with ${small.pairs}`,
      target: 'under 1.5 times',
      measured: `${ratios.map(([name, ratio]) => `${name} ${ratio.toFixed(2)}`).join(', ')}`,
      met: big.view.outcome === 'SUCCEEDED' && worst[1] < 1.5,
      ...(big.view.outcome === 'SUCCEEDED'
        ? {}
        : { reason: `the migration ended as ${big.view.outcome.slice(0, 200)}` }),
    });
    found.push({
      what: `events in the history at ${big.pairs} pairs`,
      target: 'under 25,000',
      measured: `${big.view.events}, ${(big.view.events / big.pairs).toFixed(1)} a pair`,
      met: big.view.outcome === 'SUCCEEDED' && big.view.events < 25_000,
    });
    found.push({
      what: `largest payload at ${big.pairs} pairs`,
      target: 'under 256 KiB',
      measured: `${(big.view.largestPayload / 1024).toFixed(1)} KiB`,
      met: big.view.largestPayload < 256 * 1024,
    });
  }
  return found;
}
