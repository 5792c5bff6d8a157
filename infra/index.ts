/** Exports of the package: what a CDK app gets with `import ... from 'p2pfk-cdk'`. */
export type { MaintenanceWindow } from '../core/contracts/aws/maintenance-window.ts';
export { DatabaseAuthentication, type IamAuthenticationOptions } from './database/authentication.ts';
export {
  clusterDatabase,
  type DatabaseLogin,
  type DatabaseReader,
  instanceDatabase,
  type MigratedDatabase,
} from './database/migrated-database.ts';
export type { MigrationNetwork } from './database/network.ts';
export type { LogOptions } from './logs.ts';
export type { AlarmThresholds } from './operations/alarms.ts';
export type { Severity, Topics } from './operations/topics.ts';
export {
  PartitionForeignKeyMigration,
  type PartitionForeignKeyMigrationProps,
} from './partition-foreign-key-migration.ts';
