/**
 * Settings: what differs between deployments. Read from CDK context (`cdk.json`, or `-c database='{...}'`), and what is missing
 * there from the environment: `P2PFK_DATABASE='{...}'`, `P2PFK_MAINTENANCE_WINDOW='{...}'`.
 */
import type { Node } from 'constructs';
import * as z from 'zod';
import { MaintenanceWindow } from '../core/contracts/aws/maintenance-window.ts';
import { redact } from '../core/contracts/redact.ts';

const Database = z
  .strictObject({
    /** Of the instance, or the writer endpoint of the cluster. No proxy. */
    endpoint: z.string().min(1),
    port: z.int().min(1).max(65_535).default(5432),
    name: z.string().min(1),
    user: z.string().min(1),
    /** For IAM tokens: DbClusterResourceId or DbiResourceId, `cluster-...` or `db-...`. */
    resourceId: z.string().optional(),
    /** For IAM tokens, instead of or in addition to `resourceId`: of every database that will answer at this endpoint later. */
    resourceIds: z.array(z.string()).min(1).optional(),
    /** For a password: complete ARN of the secret that holds it, with its six random characters. */
    secretArn: z.string().startsWith('arn:').optional(),
    /** The database's own security group, which gets a rule that lets the functions in. */
    securityGroupId: z.string().startsWith('sg-').optional(),
    /** The endpoint is a pooler in session mode. */
    sessionPooler: z.boolean().default(false),
    /** Report the query, without its literals, of a session that holds a lock: in the ledger, the history and the report. */
    showBlockingQueries: z.boolean().default(false),
    /** The role that owns the ledger and the tables, and of which `user` is a member. */
    ledgerOwner: z.string().min(1).optional(),
    /**
     * Roles whose functions and types on the tables may run with the rights of `user`. Any login that can act as one of them
     * could do what `user` may do.
     */
    trustedOwners: z.array(z.string().regex(/^[^,]+$/, 'must be the name of a role, without a comma')).default([]),
    /**
     * Read replicas, or Aurora readers, that applications read from: asked before each exclusive lock. Each by the endpoint of
     * its instance.
     */
    readers: z
      .array(
        z.strictObject({
          endpoint: z.string().min(1),
          port: z.int().min(1).max(65_535).optional(),
          securityGroupId: z.string().startsWith('sg-').optional(),
        }),
      )
      .default([]),
  })
  .refine(
    ({ resourceId, resourceIds, secretArn }) =>
      ((resourceId ?? resourceIds) === undefined) !== (secretArn === undefined),
    'expected either resourceId or resourceIds (an IAM token), or secretArn (a password)',
  );

const Network = z.strictObject({
  vpcId: z.string().startsWith('vpc-'),
  subnets: z.array(z.strictObject({ subnetId: z.string(), availabilityZone: z.string() })).min(1),
  /**
   * Security groups of your own, used as they are. By default the functions get one that reaches only `database.securityGroupId`.
   */
  securityGroupIds: z.array(z.string().startsWith('sg-')).min(1).optional(),
  /** An interface endpoint for Secrets Manager, for subnets without a route to it. */
  secretsManagerEndpoint: z.boolean().default(false),
});

/**
 * Values that CloudWatch Logs accepts:
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
 */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const TopicArn = z.string().startsWith('arn:');

/** Shape of the settings; unknown keys are refused. */
export const Settings = z.strictObject({
  /** Name of the CloudFormation stack. */
  stackName: z.string().default('p2pfk'),
  database: Database,
  /** Where the functions run; `null`: outside of any VPC. */
  network: Network.nullable().default(null),
  /** `null`: no schedule; executions are started by hand, or by `p2pfk schedule`. */
  maintenanceWindow: MaintenanceWindow.nullable().default(null),
  /**
   * Allows `holdBackQuery` in an execution's input. Every caller who may start an execution can then run SQL as the migrating
   * role.
   */
  allowHoldBackQuery: z.boolean().default(false),
  /** Topic for notifications and alarms; `null`: a topic is made. */
  alarmTopicArn: z.string().startsWith('arn:').nullable().default(null),
  /** Topics for single severities: `page` a person is needed now, `warning` look today, `info` news and refusals. */
  severityTopicArns: z
    .strictObject({ page: TopicArn.optional(), warning: TopicArn.optional(), info: TopicArn.optional() })
    .prefault({}),
  /** Thresholds of the alarms: see `AlarmThresholds`. */
  alarms: z
    .strictObject({
      forecastPercent: z.number().positive().optional(),
      unprotectedPartitions: z.int().min(0).optional(),
      tablesNotRead: z.int().min(0).optional(),
      failedLooks: z.int().min(0).max(95).optional(),
    })
    .prefault({}),
  /** Minutes between two looks for executions that died without an event; `false`: no looks. */
  lookEveryMinutes: z.union([z.int().min(1).max(1_440), z.literal(false)]).default(15),
  logs: z
    .strictObject({
      /** A number of days that CloudWatch Logs accepts. */
      retentionDays: z.literal(RETENTION_DAYS).default(90),
      /** Key that encrypts the log groups; its policy has to let CloudWatch Logs use it. */
      encryptionKeyArn: z.string().startsWith('arn:').optional(),
      executionData: z.boolean().default(false),
    })
    .prefault({}),
  /** Reserved concurrency of each of the four functions that work on one pair; `false`: none reserved. */
  reservedConcurrency: z.union([z.int().min(1).max(1_000), z.literal(false)]).default(false),
});
export type Settings = z.infer<typeof Settings>;

/**
 * Reads and checks the settings.
 *
 * @throws Error with one line for each setting that is missing or wrong
 */
export function readSettings(node: Node, environment: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.keys(Settings.shape).map((key) => [
    key,
    fromText(node.tryGetContext(key) ?? environment[variableOf(key)]),
  ]);
  const result = Settings.safeParse(Object.fromEntries(given.filter(([, value]) => value !== undefined)));
  if (result.success) return result.data;
  throw new Error(`The CDK context (cdk.json, or -c) does not fit:\n${redact(z.prettifyError(result.error))}`);
}

/** maintenanceWindow -> P2PFK_MAINTENANCE_WINDOW */
function variableOf(key: string): string {
  return `P2PFK_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** `-c` and the environment give text: text that looks like JSON is parsed. */
function fromText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  return /^(\{.*\}|null|true|false|\d+)$/s.test(text) ? JSON.parse(text) : value;
}
