/**
 * Conditions of policy statements that give an AWS service access: only on behalf of this account, and of the intended kind of
 * resource. Without them, any customer's resource of that service could use ours (the confused deputy).
 */
import type { Conditions } from 'aws-cdk-lib/aws-iam';
import { type ArnComponents, ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { IConstruct } from 'constructs';

/** @returns an ARN pattern for all resources of one kind in this account and region */
export function sourcesOf(scope: IConstruct, service: string, resource: string, arnFormat: ArnFormat): string {
  const components: ArnComponents = { service, resource, resourceName: '*', arnFormat };
  return Stack.of(scope).formatArn(components);
}

/** @returns an ARN pattern for all EventBridge rules of this account and region */
export const rulesOf = (scope: IConstruct): string => sourcesOf(scope, 'events', 'rule', ArnFormat.SLASH_RESOURCE_NAME);

/** @returns an ARN pattern for all CloudWatch alarms of this account and region */
export const alarmsOf = (scope: IConstruct): string =>
  sourcesOf(scope, 'cloudwatch', 'alarm', ArnFormat.COLON_RESOURCE_NAME);

/**
 * Which condition keys the service sends in this place. A strict condition on a key that the service does not send refuses every
 * request, most often silently. So a key that is not documented to be sent is compared only where it is sent.
 *
 * - `always`: both, account and ARN.
 * - `arn-if-sent`: the account always, the ARN if sent. `account-if-sent`: the reverse.
 * - `if-sent`: AWS documents that the service sends neither.
 */
export type SentKeys = 'always' | 'arn-if-sent' | 'account-if-sent' | 'if-sent';

/** @returns conditions that allow only this account's resources that match `arn` */
export function sourceConditions(scope: IConstruct, arn: string, sentKeys: SentKeys = 'always'): Conditions {
  const account = sentKeys === 'if-sent' || sentKeys === 'account-if-sent' ? 'StringEqualsIfExists' : 'StringEquals';
  const source = sentKeys === 'if-sent' || sentKeys === 'arn-if-sent' ? 'ArnLikeIfExists' : 'ArnLike';
  return {
    [account]: { 'aws:SourceAccount': Stack.of(scope).account },
    [source]: { 'aws:SourceArn': arn },
  };
}
