/** How the functions prove who they are to PostgreSQL. */
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { ArnFormat, Stack, Token } from 'aws-cdk-lib/core';
import type { IConstruct } from 'constructs';

export interface IamAuthenticationOptions {
  /**
   * What RDS calls the resource id, as `aws rds describe-db-clusters` returns it in `DbClusterResourceId`: `cluster-ABC...`
   * for Aurora, `db-ABC...` for an instance. Not the name.
   */
  readonly resourceId?: string;
  /**
   * More of them: of databases that will answer at the same endpoint one day. A restore, a clone and the green side of a
   * Blue/Green Deployment have resource ids of their own, and a token is refused for an id that is not in the policy.
   */
  readonly resourceIds?: readonly string[];
}

/**
 * An IAM token, or a password in Secrets Manager.
 *
 * Prefer the token: there is no password to leak or to rotate, it is signed inside the function, so that nothing but the
 * database has to be reached, and CloudTrail and the role's policy tell who may connect.
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

  /** The functions have to reach Secrets Manager. */
  abstract readonly needsSecretsManager: boolean;
  /** What the handlers read. No secret is among it. */
  abstract readonly environment: Readonly<Record<string, string>>;
  /** Allows to connect as this user, and nothing else. */
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
