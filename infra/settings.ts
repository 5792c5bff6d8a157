/**
 * What differs from one deployment to the next, from CDK context: `cdk.json`, or `-c database='{...}'`. What is not there
 * may come from the environment: `P2PFK_DATABASE='{...}'`, `P2PFK_MAINTENANCE_WINDOW='{...}'`.
 */
import type { Node } from 'constructs';
import * as z from 'zod';
import { MaintenanceWindow } from '../core/contracts/aws/maintenance-window.ts';

const Database = z
  .strictObject({
    /** Of the instance, or the writer's of the cluster. No proxy. */
    endpoint: z.string().min(1),
    port: z.int().min(1).max(65_535).default(5432),
    name: z.string().min(1),
    user: z.string().min(1),
    /** For IAM tokens: DbClusterResourceId or DbiResourceId, `cluster-...` or `db-...`. */
    resourceId: z.string().optional(),
    /** For IAM tokens, in its place or in addition: of every database that will answer at this endpoint one day. */
    resourceIds: z.array(z.string()).min(1).optional(),
    /** For a password: complete ARN of the secret that holds it, with its six random characters. */
    secretArn: z.string().startsWith('arn:').optional(),
    /** The database's own group, which is to let the functions in. */
    securityGroupId: z.string().startsWith('sg-').optional(),
    /** The endpoint is a pooler in session mode. */
    sessionPooler: z.boolean().default(false),
    /** Tell the query, without its literals, of a session that holds a lock: it goes into ledger, history and report. */
    showBlockingQueries: z.boolean().default(false),
    /** The role that owns the ledger and the tables, of which `user` is a member. */
    ledgerOwner: z.string().min(1).optional(),
    /** Roles whose functions and types on the tables may run with the rights of `user`: all who can act as them could do what it may. */
    trustedOwners: z.array(z.string().regex(/^[^,]+$/, 'must be the name of a role, without a comma')).default([]),
    /** Read replicas, or Aurora readers, that people read from: asked before each exclusive lock. Each by the endpoint of its instance. */
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
  /** Groups of your own, used as they are. Left out, the functions get one that reaches `database.securityGroupId` only. */
  securityGroupIds: z.array(z.string().startsWith('sg-')).min(1).optional(),
  /** An interface endpoint for Secrets Manager, for subnets without a way to it. */
  secretsManagerEndpoint: z.boolean().default(false),
});

/** What CloudWatch Logs takes: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const TopicArn = z.string().startsWith('arn:');

export const Settings = z.strictObject({
  /** Name of the CloudFormation stack. */
  stackName: z.string().default('p2pfk'),
  database: Database,
  /** Where the functions run; `null`: outside of any VPC. */
  network: Network.nullable().default(null),
  /** `null`: no schedule; executions are started by hand, or by `p2pfk schedule`. */
  maintenanceWindow: MaintenanceWindow.nullable().default(null),
  /** Lets an execution input bring `holdBackQuery` along: a caller who may start one then runs SQL as the migrating role. */
  allowHoldBackQuery: z.boolean().default(false),
  /** Gets notifications and alarms; `null`: a topic is made. */
  alarmTopicArn: z.string().startsWith('arn:').nullable().default(null),
  /** Topics for one severity alone: a person is needed now; look today; news, and refusals. */
  severityTopicArns: z
    .strictObject({ page: TopicArn.optional(), warning: TopicArn.optional(), info: TopicArn.optional() })
    .prefault({}),
  /** When alarms begin; see `AlarmThresholds`. */
  alarms: z
    .strictObject({
      forecastPercent: z.number().positive().optional(),
      unprotectedPartitions: z.int().min(0).optional(),
      tablesNotRead: z.int().min(0).optional(),
      failedLooks: z.int().min(0).max(95).optional(),
    })
    .prefault({}),
  /** Minutes between two looks for executions that died without an event; `false`: none. */
  lookEveryMinutes: z.union([z.int().min(1).max(1_440), z.literal(false)]).default(15),
  logs: z
    .strictObject({
      /** A number of days that CloudWatch Logs knows. */
      retentionDays: z.literal(RETENTION_DAYS).default(90),
      /** Key that encrypts them; its policy has to let CloudWatch Logs use it. */
      encryptionKeyArn: z.string().startsWith('arn:').optional(),
      executionData: z.boolean().default(false),
    })
    .prefault({}),
  /** Invocations at once of each of the four functions that work on one pair; `false`: none reserved. */
  reservedConcurrency: z.union([z.int().min(1).max(1_000), z.literal(false)]).default(false),
});
export type Settings = z.infer<typeof Settings>;

/** @throws Error with one line for each setting that is missing or wrong */
export function readSettings(node: Node, environment: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.keys(Settings.shape).map((key) => [
    key,
    fromText(node.tryGetContext(key) ?? environment[variableOf(key)]),
  ]);
  const result = Settings.safeParse(Object.fromEntries(given.filter(([, value]) => value !== undefined)));
  if (result.success) return result.data;
  throw new Error(`The CDK context (cdk.json, or -c) does not fit:\n${z.prettifyError(result.error)}`);
}

/** maintenanceWindow -> P2PFK_MAINTENANCE_WINDOW */
function variableOf(key: string): string {
  return `P2PFK_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** `-c` and the environment hand over text: what reads as JSON is JSON. */
function fromText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  return /^(\{.*\}|null|true|false|\d+)$/s.test(text) ? JSON.parse(text) : value;
}
