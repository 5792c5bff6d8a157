/** What differs from one deployment to the next, from CDK context: `cdk.json`, or `-c database='{...}'`. */
import type { Node } from 'constructs';
import { z } from 'zod';
import { MaintenanceWindow } from './schedule.ts';

export const Settings = z.strictObject({
  /** Name of the CloudFormation stack. */
  stackName: z.string().default('p2pfk'),
  /** The database to migrate. `endpoint`: of the writer, not of a proxy. */
  database: z.strictObject({
    endpoint: z.string().min(1),
    port: z.int().min(1).max(65_535).default(5432),
    name: z.string().min(1),
    user: z.string().min(1),
    /** Complete ARN of the secret that holds the password, with its six random characters. */
    secretArn: z.string().startsWith('arn:'),
  }),
  /** Where the functions run; `null`: outside of any VPC. */
  network: z
    .strictObject({
      vpcId: z.string().startsWith('vpc-'),
      subnets: z.array(z.strictObject({ subnetId: z.string(), availabilityZone: z.string() })).min(1),
      securityGroupIds: z.array(z.string().startsWith('sg-')).min(1),
    })
    .nullable()
    .default(null),
  /** `null`: no schedule; executions are started by hand. */
  maintenanceWindow: MaintenanceWindow.nullable().default(null),
});
export type Settings = z.infer<typeof Settings>;

/** @throws Error with one line for each setting that is missing or wrong */
export function readSettings(node: Node): Settings {
  const given = Object.keys(Settings.shape).map((key) => [key, fromContext(node.tryGetContext(key))]);
  const result = Settings.safeParse(Object.fromEntries(given.filter(([, value]) => value !== undefined)));
  if (result.success) return result.data;
  throw new Error(`The CDK context (cdk.json, or -c) does not fit:\n${z.prettifyError(result.error)}`);
}

/** `-c` hands over text: what reads as a JSON object is one. */
function fromContext(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  return text.startsWith('{') || text === 'null' ? JSON.parse(text) : value;
}
