/** Authentication of the functions at PostgreSQL: an IAM token, or a password in Secrets Manager. */
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { ArnFormat, Stack, Token } from 'aws-cdk-lib/core';
import type { IConstruct } from 'constructs';

/** The databases that the functions may connect to: at least one resource id. */
export interface IamAuthenticationOptions {
  /**
   * RDS's resource id, as `aws rds describe-db-clusters` returns it in `DbClusterResourceId`: `cluster-ABC...` for Aurora,
   * `db-ABC...` for an instance. Not the name.
   */
  readonly resourceId?: string;
  /**
   * Further resource ids, of databases that will answer at the same endpoint later. A restored or cloned database, and the green
   * side of a Blue/Green Deployment, have resource ids of their own, and a token is refused for an id that is not in the policy.
   */
  readonly resourceIds?: readonly string[];
}

/**
 * An IAM token, or a password in Secrets Manager.
 *
 * Prefer the token. There is no password to leak or to rotate. It is signed inside the function, so the function needs to reach
 * only the database. CloudTrail and the role's policy show who may connect.
 */
export abstract class DatabaseAuthentication {
  /** The database needs IAM authentication switched on, and the role `GRANT rds_iam` (sql/aws-role.sql). */
  static iam(options: IamAuthenticationOptions): DatabaseAuthentication {
    return new IamAuthentication(options);
  }

  /** A secret whose key `password` holds the role's password, as the secrets that RDS manages have it. */
  static secret(secret: ISecret): DatabaseAuthentication {
    return new SecretAuthentication(secret);
  }

  /** Whether the functions have to reach Secrets Manager. */
  abstract readonly needsSecretsManager: boolean;
  /** Environment variables that the handlers read. They hold no secret. */
  abstract readonly environment: Readonly<Record<string, string>>;
  /** Allows the grantee to connect as this user, and nothing else. */
  abstract grantConnect(scope: IConstruct, grantee: IGrantable, user: string): void;
}

class IamAuthentication extends DatabaseAuthentication {
  readonly needsSecretsManager = false;
  readonly environment = { DATABASE_AUTHENTICATION: 'iam' };
  readonly #resourceIds: readonly string[];

  constructor({ resourceId, resourceIds = [] }: IamAuthenticationOptions) {
    super();
    const all = new Set([...(resourceId === undefined ? [] : [resourceId]), ...resourceIds]);
    if (all.size === 0)
      throw new Error('IAM authentication needs the resource id of the database, such as cluster-ABC...');
    for (const id of all) requireResourceId(id);
    this.#resourceIds = [...all];
  }

  grantConnect(scope: IConstruct, grantee: IGrantable, user: string): void {
    const resourceArns = this.#resourceIds.map((id) =>
      Stack.of(scope).formatArn({
        service: 'rds-db',
        resource: 'dbuser',
        resourceName: `${id}/${user}`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    );
    Grant.addToPrincipal({ grantee, actions: ['rds-db:connect'], resourceArns });
  }
}

function requireResourceId(resourceId: string): void {
  if (Token.isUnresolved(resourceId) || /^(cluster|db)-[A-Z0-9]+$/.test(resourceId)) return;
  throw new Error(
    `${resourceId} is not the resource id of a database: it begins with cluster- or db-, as "aws rds describe-db-clusters" returns it in DbClusterResourceId`,
  );
}

class SecretAuthentication extends DatabaseAuthentication {
  readonly needsSecretsManager = true;
  readonly environment: Readonly<Record<string, string>>;
  readonly #secret: ISecret;

  constructor(secret: ISecret) {
    super();
    this.#secret = secret;
    this.environment = { DATABASE_AUTHENTICATION: 'secret', DATABASE_SECRET_ARN: secret.secretArn };
  }

  grantConnect(_scope: IConstruct, grantee: IGrantable): void {
    this.#secret.grantRead(grantee);
  }
}
