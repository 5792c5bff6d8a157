/** The dashboard for the person on call: progress, what holds it up, and whether the migrated tables are still guarded. */
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  SingleValueWidget,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { MigrationFunctions } from '../functions.ts';
import type { MigrationMetrics } from './metrics.ts';

/** What the dashboard shows. */
export interface MigrationDashboardProps {
  readonly stateMachine: StateMachine;
  readonly functions: MigrationFunctions;
  readonly metrics: MigrationMetrics;
  readonly alarms: readonly Alarm[];
}

/** A CloudWatch dashboard with the alarms and metrics of one deployment. */
export class MigrationDashboard extends Construct {
  constructor(scope: Construct, id: string, props: MigrationDashboardProps) {
    super(scope, id);
    const { stateMachine, functions, metrics, alarms } = props;
    const minute = { period: Duration.minutes(1) };
    new Dashboard(this, 'Dashboard', {
      defaultInterval: Duration.hours(6),
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 3 })],
        [
          new GraphWidget({
            title: 'Executions',
            left: [
              stateMachine.metricStarted(minute),
              stateMachine.metricSucceeded(minute),
              stateMachine.metricFailed(minute),
              stateMachine.metricAborted(minute),
            ],
            width: 8,
          }),
          new GraphWidget({
            title: 'Pairs validated, and what one took',
            left: [metrics.metric('PairsValidated')],
            right: [
              metrics.metric('ValidationSeconds', Stats.p(50)),
              metrics.metric('ValidationSeconds', Stats.MAXIMUM),
            ],
            width: 8,
          }),
          new GraphWidget({
            title: 'Locks refused; time used of the forecast (%)',
            left: [metrics.metric('LockRefusals')],
            right: [metrics.metric('ForecastUsed', Stats.MAXIMUM)],
            width: 8,
          }),
        ],
        [
          new SingleValueWidget({
            title: 'After the migration',
            metrics: [
              metrics.metric('UnprotectedPartitions', Stats.MAXIMUM, Duration.hours(24)),
              metrics.metric('TablesNotRead', Stats.MAXIMUM, Duration.hours(24)),
              metrics.metric('Orphans', Stats.MAXIMUM, Duration.hours(24)),
            ],
            width: 8,
          }),
          new GraphWidget({
            title: 'Errors of functions (a refused lock is one, and tried again)',
            left: Object.values(functions.steps).map((step) => step.metricErrors(minute)),
            width: 8,
          }),
          new GraphWidget({
            title: 'Validations at once, and throttled',
            left: [
              functions.steps['validate-foreign-key'].metric('ConcurrentExecutions', {
                ...minute,
                statistic: 'Maximum',
              }),
            ],
            right: [functions.steps['validate-foreign-key'].metricThrottles(minute)],
            width: 8,
          }),
        ],
      ],
    });
  }
}
