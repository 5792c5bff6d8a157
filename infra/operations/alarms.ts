/** What wakes somebody. Each alarm says in its description what to do. */
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
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { DeadLetters } from './dead-letters.ts';
import type { MigrationMetrics } from './metrics.ts';
import type { Reconciliation } from './reconciliation.ts';

export interface MonitoringProps {
  readonly stateMachine: StateMachine;
  readonly reconciliation: Reconciliation;
  readonly audit: IFunction;
  readonly deadLetters: DeadLetters;
  readonly metrics: MigrationMetrics;
  readonly topic: ITopic;
}

const MINUTE = Duration.minutes(1);
/** Twice what the plan foresaw: the forecast is cautious, so something holds the migration up. */
const FORECAST_LIMIT_PERCENT = 200;

export class Monitoring extends Construct {
  readonly alarms: readonly Alarm[];
  readonly #topic: ITopic;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { stateMachine, reconciliation, audit, deadLetters, metrics, topic } = props;
    this.#topic = topic;
    this.alarms = [
      this.#alarm(
        'ExecutionFailed',
        ended(stateMachine),
        'An execution failed, timed out or was stopped. Open it in the Step Functions console: its error says whether everything was put back (MigrationRolledBack) or a person is needed (RollbackFailed).',
      ),
      this.#alarm(
        'ReconcileFailed',
        ended(reconciliation.stateMachine),
        'A migration whose execution died could not be brought to rest. Every row is guarded; run the migration or its rollback again.',
      ),
      this.#alarm(
        'DeadLetters',
        deadLetters.queue.metricApproximateNumberOfMessagesVisible({ period: MINUTE, statistic: Stats.MAXIMUM }),
        'A window was missed, a death of an execution was not told, or an audit did not run: the messages in the queue say which.',
      ),
      this.#alarm(
        'UnprotectedPartitions',
        metrics.metric('UnprotectedPartitions', Stats.MAXIMUM, Duration.hours(24)),
        'A migrated table has partitions without a valid foreign key: p2pfk audit names them, p2pfk audit --fix repairs them.',
      ),
      this.#alarm(
        'AuditFailed',
        audit.metricErrors({ period: Duration.hours(1), statistic: Stats.SUM }),
        'The daily audit could not be done: its log says why.',
      ),
      this.#alarm(
        'BeyondForecast',
        metrics.metric('ForecastUsed', Stats.MAXIMUM),
        'A migration takes twice as long as its plan foresaw. It holds nothing up; look at the locks and the load of the database.',
        FORECAST_LIMIT_PERCENT,
      ),
      this.#alarm(
        'ApprovalWanted',
        metrics.metric('AwaitingApproval', Stats.SUM, Duration.minutes(5)),
        'All is ready and rehearsed; the parent foreign key goes only when a person says so: p2pfk approve --table TABLE.',
      ),
    ];
  }

  #alarm(id: string, metric: IMetric, description: string, limit = 0): Alarm {
    const alarm = new Alarm(this, id, {
      alarmDescription: `p2pfk: ${description}`,
      metric,
      threshold: limit,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      // Most of the time no migration runs, and nothing is measured.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.#topic));
    return alarm;
  }
}

/** Executions that ended in any way that is no success. */
function ended(stateMachine: StateMachine): IMetric {
  const options = { period: MINUTE, statistic: Stats.SUM };
  return new MathExpression({
    label: 'executions that did not succeed',
    // A metric without a value would make the sum have none.
    expression: 'FILL(failed, 0) + FILL(aborted, 0) + FILL(timedOut, 0)',
    usingMetrics: {
      failed: stateMachine.metricFailed(options),
      aborted: stateMachine.metricAborted(options),
      timedOut: stateMachine.metricTimedOut(options),
    },
    period: MINUTE,
  });
}
