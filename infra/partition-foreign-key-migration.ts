/** The migration in AWS: one Lambda function for each step, the state machine that calls them, and what monitors both. */
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Names, Tags } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { MaintenanceWindow } from '../core/contracts/aws/maintenance-window.ts';
import { acknowledgeStateMachine } from './acknowledgements.ts';
import { checkEndpoint, type MigratedDatabase } from './database/migrated-database.ts';
import { FunctionNetwork, type MigrationNetwork } from './database/network.ts';
import { MigrationFunctions } from './functions.ts';
import { LogGroups, type LogOptions } from './logs.ts';
import { type AlarmThresholds, Monitoring } from './operations/alarms.ts';
import { DailyAudit } from './operations/daily-audit.ts';
import { MigrationDashboard } from './operations/dashboard.ts';
import { DeadExecutionLook } from './operations/dead-execution-look.ts';
import { DeadLetters } from './operations/dead-letters.ts';
import { FailureNotices } from './operations/failure-notices.ts';
import { KeepReady } from './operations/keep-ready.ts';
import { MigrationMetrics } from './operations/metrics.ts';
import { Notifications } from './operations/notifications.ts';
import { Reconciliation } from './operations/reconciliation.ts';
import { MaintenanceWindows, ScheduleTag } from './operations/schedules.ts';
import type { Topics } from './operations/topics.ts';
import { packagedBundles } from './package/lambda-bundles.ts';
import { stateMachineProps } from './state-machine/state-machine.ts';

/** What a deployment can choose. */
export interface PartitionForeignKeyMigrationProps {
  readonly database: MigratedDatabase;
  /** Where the functions run. By default outside of any VPC, from where they reach only a database with a public address. */
  readonly network?: MigrationNetwork;
  /** Retention and encryption of logs, and whether they hold inputs and outputs of states. */
  readonly logs?: LogOptions;
  /**
   * How many invocations at once each of the four functions that work on one pair may have; each has one or two sessions. It
   * limits the load on the database: 40 is the most that one execution may ask for. Four times this number is permanently taken
   * from the account's concurrency, which is 1,000 or less in a new account, and of which 100 have to stay unreserved. By
   * default, or with `false`, nothing is reserved, and the limit is `maxConcurrency` of each execution.
   */
  readonly reservedConcurrency?: number | false;
  /**
   * Allows `holdBackQuery` in an execution's input. Every caller who may start an execution can then run SQL as the migrating
   * role. By default such an input is refused.
   */
  readonly allowHoldBackQuery?: boolean;
  /** Starts the migration by itself when a window opens. By default executions are started by hand or by `p2pfk schedule`. */
  readonly maintenanceWindow?: MaintenanceWindow;
  /**
   * Topic for notifications and alarms. The policy of an imported topic has to let `events.amazonaws.com` and
   * `cloudwatch.amazonaws.com` publish, and the policy of its key also the role of FailureNotices. By default an encrypted topic
   * is made, which has no subscription yet.
   */
  readonly topic?: ITopic;
  /** Topics for single severities: `page` a person is needed now, `warning` look today, `info` news and refusals. */
  readonly topics?: Partial<Topics>;
  /** Thresholds of the alarms. */
  readonly alarms?: AlarmThresholds;
  /**
   * How often, in minutes, the ledger is searched for migrations whose execution died without an event. Each search opens a
   * session, which keeps a serverless database awake that would otherwise pause itself. Default: 15. `false`: never; the daily
   * audit then finds a migration whose event was lost.
   */
  readonly lookEveryMinutes?: number | false;
  /** When migrated tables are audited, in UTC. Default: each day at 04:00. */
  readonly auditCron?: string;
  /** Folder with the bundle of all functions, `index.mjs`. Default: the one in this package. */
  readonly lambdaBundles?: string;
}

/**
 * Everything that is needed to migrate the foreign keys of one database: least privilege, logs, traces, a daily audit, and
 * reconciliation when an execution dies.
 *
 * @throws Error at synthesis, where the endpoint is an RDS Proxy or a reader, or the window or its input is not well formed
 *
 * @example
 * new PartitionForeignKeyMigration(stack, 'Migration', {
 *   database: {
 *     endpoint: 'orders.cluster-abc.eu-central-1.rds.amazonaws.com',
 *     name: 'orders',
 *     user: 'p2pfk',
 *     authentication: DatabaseAuthentication.iam({ resourceId: 'cluster-ABCDEFGHIJKL01234' }),
 *     securityGroup,
 *   },
 *   network: { vpc },
 * });
 */
export class PartitionForeignKeyMigration extends Construct {
  readonly stateMachine: StateMachine;
  readonly functions: MigrationFunctions;
  readonly reconciliation: Reconciliation;
  /** Topic of notifications and alarms, for each severity that has none of its own. */
  readonly topic: ITopic;
  readonly monitoring: Monitoring;
  readonly maintenanceWindows: MaintenanceWindows;

  constructor(scope: Construct, id: string, props: PartitionForeignKeyMigrationProps) {
    super(scope, id);
    const { database, network, logs = {}, reservedConcurrency = false, lambdaBundles = packagedBundles } = props;
    const { allowHoldBackQuery = false, lookEveryMinutes = 15 } = props;
    checkEndpoint(database);
    if (props.maintenanceWindow?.input.holdBackQuery !== undefined && !allowHoldBackQuery)
      throw new Error(
        "The maintenance window's holdBackQuery needs allowHoldBackQuery: it runs as the migrating role.",
      );
    const logGroups = new LogGroups(this, logs);
    const metrics = new MigrationMetrics(Names.uniqueResourceName(this, { maxLength: 80, separator: '-' }));

    this.functions = new MigrationFunctions(this, 'Functions', {
      database,
      network: network && new FunctionNetwork(this, 'Network', { network, database }),
      logGroups,
      bundles: lambdaBundles,
      reservedConcurrency,
      allowHoldBackQuery,
      deployment: metrics.deployment,
    });
    this.stateMachine = this.#stateMachine(logGroups, logs);

    const deadLetters = new DeadLetters(this, 'DeadLetters');
    const { stateMachine } = this;
    this.maintenanceWindows = new MaintenanceWindows(this, 'MaintenanceWindows', { stateMachine, deadLetters });
    if (props.maintenanceWindow) this.maintenanceWindows.add('Window', props.maintenanceWindow);
    this.#tagForSchedulers();

    const { reconcile, look, audit } = this.functions.operations;
    this.reconciliation = new Reconciliation(this, 'Reconciliation', {
      reconciled: stateMachine,
      reconcile,
      logGroups,
      logs,
      deadLetters,
    });
    new DailyAudit(this, 'Audit', { audit, deadLetters, ...(props.auditCron && { cron: props.auditCron }) });

    const notifications = new Notifications(this, 'Notifications', {
      stateMachine,
      reconciliation: this.reconciliation,
      ...(props.topic && { topic: props.topic }),
      ...(props.topics && { topics: props.topics }),
    });
    const { topics } = notifications;
    this.topic = notifications.topic;
    const kept = { logGroups, logs, deadLetters };
    const failureNotices = new FailureNotices(this, 'FailureNotices', {
      ...kept,
      stateMachine,
      topics,
      topicKey: notifications.key,
    });
    if (lookEveryMinutes !== false)
      new DeadExecutionLook(this, 'DeadExecutionLook', {
        ...kept,
        stateMachine,
        reconciliation: this.reconciliation.stateMachine,
        look,
        everyMinutes: lookEveryMinutes,
      });
    if (network) new KeepReady(this, 'KeepReady', { functions: { ...this.functions.steps, reconcile }, deadLetters });
    this.monitoring = new Monitoring(this, 'Alarms', {
      reconciliation: this.reconciliation.stateMachine,
      failureNotices: failureNotices.stateMachine,
      look: lookEveryMinutes === false ? undefined : look,
      audit,
      deadLetters,
      metrics,
      topics,
      thresholds: props.alarms ?? {},
    });
    new MigrationDashboard(this, 'Dashboard', {
      stateMachine,
      functions: this.functions,
      metrics,
      alarms: this.monitoring.alarms,
    });
  }

  #stateMachine(logGroups: LogGroups, { executionData = false }: LogOptions): StateMachine {
    const stateMachine = new StateMachine(this, 'StateMachine', {
      ...stateMachineProps(this, this.functions.steps),
      tracingEnabled: true,
      logs: {
        destination: logGroups.makeForStateMachine(this, 'ExecutionLogs'),
        level: LogLevel.ALL,
        includeExecutionData: executionData,
      },
    });
    acknowledgeStateMachine(stateMachine, Object.values(this.functions.steps));
    return stateMachine;
  }

  /** Tags the state machine with what a schedule needs: `p2pfk schedule` gets only the state machine, and reads its tags. */
  #tagForSchedulers(): void {
    const { role, deadLetters, group } = this.maintenanceWindows;
    const tags = {
      [ScheduleTag.Role]: role.roleArn,
      [ScheduleTag.DeadLetterQueue]: deadLetters.queue.queueArn,
      [ScheduleTag.Group]: group.scheduleGroupName,
    };
    // Only on the state machine, not on the role and the policy below it.
    const only = { includeResourceTypes: ['AWS::StepFunctions::StateMachine'] };
    for (const [key, value] of Object.entries(tags)) Tags.of(this.stateMachine).add(key, value, only);
  }
}
