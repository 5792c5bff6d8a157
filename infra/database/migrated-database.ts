/** The database to migrate, and short ways to name one that the same CDK app makes. */
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { IDatabaseCluster, IDatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { Token } from 'aws-cdk-lib/core';
import { refuseSharedEndpoint, requireWriterEndpoint } from '../../core/contracts/aws/rds-endpoints.ts';
import { DatabaseAuthentication } from './authentication.ts';

/** A database, and how the functions reach it. */
export interface MigratedDatabase {
  /**
   * Host name of the instance, or the writer endpoint of the cluster. Never RDS Proxy: it pins sessions on SET
   * (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html), and a validation that outlives its function
   * would not be found again.
   */
  readonly endpoint: string;
  /** Default: 5432. */
  readonly port?: number;
  /** Name of the database. */
  readonly name: string;
  /** The role that migrates: owner of both tables (sql/aws-role.sql). */
  readonly user: string;
  readonly authentication: DatabaseAuthentication;
  /** The database's own security group. It gets a rule that lets the functions in, on this port only. */
  readonly securityGroup?: ISecurityGroup;
  /**
   * The endpoint is a pooler in session mode, or a proxy that sends its own cancel key. By default, sessions through any pooler
   * are refused, because their settings and locks would reach the application. Never RDS Proxy.
   */
  readonly sessionPooler?: boolean;
  /**
   * Report the query of a session that holds a lock we wait for, without its literals, in the ledger, the execution history and
   * the report. By default they name only the session's process id, role, application and age.
   */
  readonly showBlockingQueries?: boolean;
  /**
   * The role that owns the ledger and the tables, and of which `user` is a member: every session runs SET ROLE to it. By default
   * the ledger has to belong to `user` or to a superuser.
   */
  readonly ledgerOwner?: string | undefined;
  /**
   * Roles whose functions and types on the tables may run with the rights of `user`. Any login that can act as one of these roles
   * could do what `user` may do. By default, tables with such code are refused (`UntrustedCode`).
   */
  readonly trustedOwners?: readonly string[];
  /**
   * Read replicas, or readers of the Aurora cluster, that applications read from. Before each exclusive lock, each of them is
   * asked, with the same user and authentication, for transactions that the lock's replay would wait for. While there are any,
   * the lock counts as not free. With IAM authentication, a read replica of an instance has a resource id of its own, which the
   * function's role must be allowed to use.
   */
  readonly readers?: readonly DatabaseReader[];
}

/** One read replica or Aurora reader. */
export interface DatabaseReader {
  /** Host name of one instance. Never the reader endpoint of a cluster, which leads to a different instance for each session. */
  readonly endpoint: string;
  /** Default: the port of the database. */
  readonly port?: number;
  /** Default: the security group of the database. */
  readonly securityGroup?: ISecurityGroup;
}

/** Database and role; what `clusterDatabase` and `instanceDatabase` cannot read from the cluster or instance. */
export interface DatabaseLogin {
  /** Name of the database. */
  readonly name: string;
  /** The role that migrates: owner of both tables (sql/aws-role.sql). */
  readonly user: string;
  /** Default: an IAM token. */
  readonly authentication?: DatabaseAuthentication;
}

/** An Aurora cluster of the same app: its writer endpoint, its security group, IAM authentication. */
export function clusterDatabase(cluster: IDatabaseCluster, login: DatabaseLogin): MigratedDatabase {
  const [securityGroup] = cluster.connections.securityGroups;
  return {
    endpoint: cluster.clusterEndpoint.hostname,
    port: cluster.clusterEndpoint.port,
    name: login.name,
    user: login.user,
    authentication:
      login.authentication ?? DatabaseAuthentication.iam({ resourceId: cluster.clusterResourceIdentifier }),
    ...(securityGroup && { securityGroup }),
  };
}

/**
 * An RDS instance of the same app: its endpoint, its security group, IAM authentication.
 *
 * @throws Error where an imported instance has no `instanceResourceId`, and `login` has no authentication
 */
export function instanceDatabase(instance: IDatabaseInstance, login: DatabaseLogin): MigratedDatabase {
  const { instanceResourceId: resourceId } = instance;
  if (login.authentication === undefined && resourceId === undefined) {
    throw new Error('An imported instance without instanceResourceId needs an authentication.');
  }
  const [securityGroup] = instance.connections.securityGroups;
  return {
    endpoint: instance.instanceEndpoint.hostname,
    port: instance.instanceEndpoint.port,
    name: login.name,
    user: login.user,
    authentication: login.authentication ?? DatabaseAuthentication.iam({ resourceId: resourceId ?? '' }),
    ...(securityGroup && { securityGroup }),
  };
}

/** @throws InvalidInput where the endpoint is a proxy or a reader, or where a reader's endpoint leads to several instances */
export function checkEndpoint({ endpoint, readers = [] }: MigratedDatabase): void {
  if (!Token.isUnresolved(endpoint)) requireWriterEndpoint(endpoint);
  for (const reader of readers) if (!Token.isUnresolved(reader.endpoint)) refuseSharedEndpoint(reader.endpoint);
}

/**
 * Environment variables of the functions: libpq's own, so that the handlers and any PostgreSQL tool read the same. They never
 * contain the password. PGSSLROOTCERT is where Lambda's Node runtimes keep Amazon's certificate authorities, which these runtimes
 * do not load by themselves.
 */
export function databaseEnvironment(database: MigratedDatabase): Record<string, string> {
  const {
    endpoint,
    port = 5432,
    name,
    user,
    authentication,
    sessionPooler = false,
    showBlockingQueries = false,
    ledgerOwner,
    trustedOwners = [],
    readers = [],
  } = database;
  return {
    PGHOST: endpoint,
    PGPORT: String(port),
    PGDATABASE: name,
    PGUSER: user,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: '/var/runtime/ca-cert.pem',
    ...(sessionPooler && { P2PFK_SESSION_POOLER: 'true' }),
    ...(showBlockingQueries && { P2PFK_SHOW_BLOCKING_QUERIES: 'true' }),
    ...(ledgerOwner !== undefined && { P2PFK_LEDGER_OWNER: ledgerOwner }),
    ...(trustedOwners.length > 0 && { P2PFK_TRUST_OWNERS: trustedOwners.join(',') }),
    ...(readers.length > 0 && {
      P2PFK_READERS: readers.map((reader) => `host=${reader.endpoint} port=${reader.port ?? port}`).join('\n'),
    }),
    ...authentication.environment,
  };
}
