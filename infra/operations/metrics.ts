/** Metrics that the handlers publish (`lambdas/metrics.ts`), as the alarms and the dashboard read them. */
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Duration } from 'aws-cdk-lib/core';
import { METRIC_NAMESPACE, type MetricName } from '../../core/contracts/aws/metric-names.ts';

/** Metrics of one deployment. */
export class MigrationMetrics {
  /** Value of the dimension `deployment`, which separates two stacks in one account. */
  readonly deployment: string;

  constructor(deployment: string) {
    this.deployment = deployment;
  }

  /** @returns the metric, by default its sum for each minute */
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
