/**
 * Metrics of the steps, in CloudWatch's embedded metric format: lines in the function's own log, which need neither a network nor
 * a permission. Only in AWS: on the local engine stdout belongs to the command line.
 */
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Client } from 'pg';
import * as z from 'zod';
import { METRIC_NAMESPACE, type MetricName } from '../core/contracts/aws/metric-names.ts';
import type { P2pfkError } from '../core/contracts/errors.ts';
import { type StepName, stepEntries } from '../core/contracts/steps/catalogue.ts';
import { readMigration } from '../core/ledger/migrations.ts';
import { isTokenRefusal } from './database.ts';

const inLambda = process.env.AWS_LAMBDA_FUNCTION_NAME !== undefined;

const metrics = new Metrics({
  namespace: METRIC_NAMESPACE,
  serviceName: 'p2pfk',
  defaultDimensions: { deployment: process.env.P2PFK_DEPLOYMENT ?? 'none' },
});

/** Errors that are caused by locks of other sessions. */
const LOCK_REFUSALS = new Set(['LockTimeout', 'DeadlockDetected']);
const VALIDATE: StepName = 'validate-foreign-key';
const GATE: StepName = 'verify-gate';

/** The parts of a result that are measured. Each function's result has other fields; what is missing is not measured. */
const Timed = z.object({ status: z.string(), durationMs: z.number() });
const Measured = Timed.extend({
  unprotectedPartitions: z.number(),
  tablesNotRead: z.number(),
  deadExecutions: z.number(),
  batch: z.array(Timed),
}).partial();

/** Measures the result of a step: validated pairs and their seconds, and the counts of audit and look. */
export function measureResult(functionName: string, result: unknown): void {
  const { status = '', durationMs = 0, batch, ...counts } = Measured.safeParse(result).data ?? {};
  if (functionName === VALIDATE) {
    for (const pair of batch ?? [{ status, durationMs }]) {
      if (pair.status !== 'DONE') continue;
      add('PairsValidated', 1);
      add('ValidationSeconds', pair.durationMs / 1_000, MetricUnit.Seconds);
    }
  }
  if (counts.unprotectedPartitions !== undefined) add('UnprotectedPartitions', counts.unprotectedPartitions);
  if (counts.tablesNotRead !== undefined) add('TablesNotRead', counts.tablesNotRead);
  if (counts.deadExecutions !== undefined) add('DeadExecutions', counts.deadExecutions);
}

/** Measures a failed step: refused locks, orphaned rows, refused tokens of the audit. */
export function measureFailure(functionName: string, error: P2pfkError): void {
  const { name, context } = error;
  if (LOCK_REFUSALS.has(name)) add('LockRefusals', 1);
  if (context.orphans !== undefined) add('Orphans', context.orphans);
  // A failed execution is reported with its cause; an audit has no execution, and so no such report.
  if (functionName === 'audit' && isTokenRefusal(error)) add('TokenRefused', 1);
}

/**
 * Measures that an approval is wanted, in the call that asks first. An alarm that went off at each check whether a person has
 * answered would be switched off.
 *
 * @param since when this call began, in milliseconds since 1970, by the clock by which the gate notes when it asked
 */
export async function measureApproval(
  client: Client,
  functionName: string,
  migrationId: string | undefined,
  since: number,
): Promise<void> {
  if (!inLambda || migrationId === undefined || functionName !== GATE) return;
  const { approval_asked_at: askedAt } = await readMigration(client, migrationId);
  if (askedAt !== null && new Date(askedAt).getTime() >= since) add('AwaitingApproval', 1);
}

/** @returns whether the plan's estimate includes this step; it does not include the wait for approval */
function isForecast(functionName: string): boolean {
  return stepEntries.some(([name, { forecast }]) => name === functionName && forecast === true);
}

/** Measures how much of the forecast time is used, in percent, during the long steps. */
export async function measureForecast(
  client: Client,
  functionName: string,
  migrationId: string | undefined,
): Promise<void> {
  if (!inLambda || migrationId === undefined || !isForecast(functionName)) return;
  const { plannedAt, forecastSeconds } = (await readMigration(client, migrationId)).options;
  if (plannedAt === undefined || forecastSeconds === undefined) return;
  const usedSeconds = (Date.now() - Date.parse(plannedAt)) / 1_000;
  // At least a minute: a plan of one second would be over before the first function has started.
  add('ForecastUsed', (100 * usedSeconds) / Math.max(forecastSeconds, 60), MetricUnit.Percent);
}

/** Writes the metrics that were measured since the last call, if there are any. */
export function publish(): void {
  if (inLambda) metrics.publishStoredMetrics();
}

function add(
  name: MetricName,
  value: number,
  unit: (typeof MetricUnit)[keyof typeof MetricUnit] = MetricUnit.Count,
): void {
  if (inLambda) metrics.addMetric(name, unit, value);
}
