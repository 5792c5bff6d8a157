/** The metrics that the handlers publish (`lambdas/metrics.ts`), as alarms and the dashboard read them. */
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Duration } from 'aws-cdk-lib/core';
import { METRIC_NAMESPACE, type MetricName } from '../../core/contracts/aws/metric-names.ts';

export class MigrationMetrics {
  /** Dimension `deployment`: two stacks in one account stay apart. */
  readonly deployment: string;

  constructor(deployment: string) {
    this.deployment = deployment;
  }

  metric(name: MetricName, statistic: string = Stats.SUM, period: Duration = Duration.minutes(1)): Metric {
    return new Metric({
      namespace: METRIC_NAMESPACE,
      metricName: name,
      dimensionsMap: { service: 'p2pfk', deployment: this.deployment },
      statistic,
      period,
    });
  }
}
