/**
 * CloudWatch alarms on metrics. The description of each alarm says what to do. No alarm reports how an execution ended:
 * `failure-notices.ts` sends that, once and with its cause.
 */
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { NOTICE_TEXTS } from '../../core/contracts/notices.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { MigrationMetrics } from './metrics.ts';
import type { Severity, Topics } from './topics.ts';

/** Thresholds of the alarms: each alarm goes off when its value is greater than its threshold. */
export interface AlarmThresholds {
  /**
   * Time used, in percent of what the plan forecast. Default: 200. The forecast is cautious, so at twice the time something is
   * holding the migration up.
   */
  readonly forecastPercent?: number;
  /** Partitions of migrated tables without a valid foreign key. Default: 0. */
  readonly unprotectedPartitions?: number;
  /** Tables that the daily audit could not read completely. Default: 0. */
  readonly tablesNotRead?: number;
  /** Successive looks for dead executions that failed, a quarter of an hour apart. Default: 3. */
  readonly failedLooks?: number;
}

/** What the alarms watch, and where they are sent. */
export interface MonitoringProps {
  readonly reconciliation: IStateMachine;
  readonly failureNotices: IStateMachine;
  /** The function that looks for dead executions; undefined where that is switched off. */
  readonly look?: IFunction | undefined;
  readonly audit: IFunction;
  readonly deadLetters: DeadLetters;
  readonly metrics: MigrationMetrics;
  readonly topics: Topics;
  readonly thresholds: AlarmThresholds;
}

interface AlarmOptions {
  readonly severity: Severity;
  readonly metric: IMetric;
  readonly description: string;
  readonly threshold?: number;
  /**
   * How many periods back a value counts. The alarm stays on for that long, and is sent once instead of at each value. Default:
   * 1.
   */
  readonly periods?: number;
  /** How many of these periods have to be above the threshold. Default: 1. */
  readonly datapoints?: number;
}

const MINUTE = Duration.minutes(1);
const QUARTER = Duration.minutes(15);
const HOUR = Duration.hours(1);
/**
 * A day and two hours, in hours: the audit of the next day decides whether the problem is over. CloudWatch allows 7 days for
 * periods of an hour.
 */
const UNTIL_NEXT_AUDIT = 26;
/** Three hours, in quarters of an hour. */
const THREE_HOURS = 12;

/** All alarms of one deployment. */
export class Monitoring extends Construct {
  readonly alarms: readonly Alarm[];
  readonly #topics: Topics;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    this.#topics = props.topics;
    this.alarms = [...this.#ofMigrations(props), ...this.#ofDelivery(props), ...this.#ofAudits(props)];
  }

  #ofMigrations({ metrics, thresholds, reconciliation, look }: MonitoringProps): Alarm[] {
    const looks = look ? this.#ofLooks(look, metrics, thresholds) : [];
    return [
      this.#alarm('ReconcileFailed', {
        severity: 'page',
        metric: ended(reconciliation),
        periods: THREE_HOURS,
        description:
          'A migration whose execution died could not be brought to rest, or the executions that were to roll it back died one after the other. Every row is guarded. The last execution of the state machine Reconciliation says why; then run the migration or its rollback again.',
      }),
      this.#alarm('BeyondForecast', {
        severity: 'warning',
        metric: metrics.metric('ForecastUsed', Stats.MAXIMUM, QUARTER),
        periods: THREE_HOURS,
        threshold: thresholds.forecastPercent ?? 200,
        description:
          'A migration takes much longer than its plan foresaw. It holds nothing up; look at the locks and the load of the database.',
      }),
      this.#alarm('ApprovalWanted', {
        severity: 'warning',
        // Published when the gate asks for the first time, and not each time it checks whether there is an answer.
        metric: metrics.metric('AwaitingApproval', Stats.SUM),
        description: NOTICE_TEXTS.approvalWanted,
      }),
      ...looks,
    ];
  }

  #ofLooks(look: IFunction, metrics: MigrationMetrics, { failedLooks = 3 }: AlarmThresholds): Alarm[] {
    return [
      this.#alarm('DeadExecution', {
        severity: 'warning',
        metric: metrics.metric('DeadExecutions', Stats.MAXIMUM, QUARTER),
        periods: THREE_HOURS,
        description:
          'A migration is unfinished and its execution is dead: no event of its end arrived. Reconciliation was started for one of this stack; one that ran elsewhere is brought to rest by p2pfk migrate or p2pfk rollback.',
      }),
      this.#alarm('LookFailed', {
        severity: 'warning',
        metric: look.metricErrors({ period: QUARTER, statistic: Stats.SUM }),
        periods: failedLooks + 1,
        datapoints: failedLooks + 1,
        description:
          'For an hour no look for dead executions succeeded: the log of the function Look says why. The database is away, refuses the login, or has a ledger that cannot be read or is older than the functions.',
      }),
    ];
  }

  #ofDelivery({ deadLetters, failureNotices }: MonitoringProps): Alarm[] {
    return [
      this.#alarm('DeadLetters', {
        severity: 'warning',
        metric: deadLetters.queue.metricApproximateNumberOfMessagesVisible({
          period: MINUTE,
          statistic: Stats.MAXIMUM,
        }),
        description:
          'A window was missed, the end of an execution was not delivered, or an audit did not run: the messages in the queue say which.',
      }),
      this.#alarm('NoticeFailed', {
        severity: 'warning',
        metric: ended(failureNotices),
        description:
          'An execution did not succeed, and its notice could not be sent: the state machine FailureNotices says which one and why.',
      }),
    ];
  }

  #ofAudits({ audit, metrics, thresholds }: MonitoringProps): Alarm[] {
    const refused = metrics.metric('TokenRefused', Stats.SUM, HOUR);
    return [
      this.#alarm('UnprotectedPartitions', {
        severity: 'warning',
        metric: metrics.metric('UnprotectedPartitions', Stats.MAXIMUM, HOUR),
        periods: UNTIL_NEXT_AUDIT,
        threshold: thresholds.unprotectedPartitions ?? 0,
        description:
          'A migrated table has partitions without a valid foreign key: p2pfk audit names them, p2pfk audit --fix repairs them.',
      }),
      this.#alarm('TablesNotRead', {
        severity: 'warning',
        metric: metrics.metric('TablesNotRead', Stats.MAXIMUM, HOUR),
        periods: UNTIL_NEXT_AUDIT,
        threshold: thresholds.tablesNotRead ?? 0,
        description:
          'The daily audit did not look at all of a table: there may be code of another role on it, its ledger cannot be read, or it is gone. What it did not look at may have lost its foreign keys: p2pfk audit says which table, and why.',
      }),
      this.#alarm('TokenRefused', {
        severity: 'warning',
        metric: refused,
        periods: UNTIL_NEXT_AUDIT,
        description:
          'The database refuses the IAM token of the daily audit. After a restore, a clone or a Blue/Green switchover another database answers at the endpoint: add its resource id to resourceIds (docs/aws.md).',
      }),
      this.#alarm('AuditFailed', {
        severity: 'warning',
        // A refused token has an alarm of its own, with a more precise description.
        metric: new MathExpression({
          label: 'audits that failed for another reason',
          expression: 'IF(FILL(refused, 0) > 0, 0, errors)',
          usingMetrics: { refused, errors: audit.metricErrors({ period: HOUR, statistic: Stats.SUM }) },
          period: HOUR,
        }),
        periods: UNTIL_NEXT_AUDIT,
        description: 'The daily audit could not be done: the log of the function Audit says why.',
      }),
    ];
  }

  #alarm(id: string, options: AlarmOptions): Alarm {
    const { severity, metric, description, threshold = 0, periods = 1, datapoints = 1 } = options;
    const alarm = new Alarm(this, id, {
      alarmDescription: `p2pfk: ${description}`,
      metric,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      datapointsToAlarm: datapoints,
      // No migration runs most of the time, and then there are no measurements.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.#topics[severity]));
    return alarm;
  }
}

/** Executions that failed, were aborted or timed out. */
function ended(stateMachine: IStateMachine): IMetric {
  const options = { period: QUARTER, statistic: Stats.SUM };
  return new MathExpression({
    label: 'executions that did not succeed',
    // A sum has no value where one of its metrics has none, hence FILL.
    expression: 'FILL(failed, 0) + FILL(aborted, 0) + FILL(timedOut, 0)',
    usingMetrics: {
      failed: stateMachine.metricFailed(options),
      aborted: stateMachine.metricAborted(options),
      timedOut: stateMachine.metricTimedOut(options),
    },
    period: QUARTER,
  });
}
